#!/usr/bin/env python3
"""A shop that is open: customers come, change their address and leave; orders are placed, get more items, are
paid and cancelled. It writes until Ctrl-C; started again it goes on.

  apt-get install python3-pymongo
  python3 app.py 'mongodb://127.0.0.1:27017/?replicaSet=rs0' --customers 5000 --per-second 100
"""
import argparse
import datetime
import random
import time

CITIES = ['Berlin', 'Kraków', 'São Paulo', "L'Aquila", '東京', 'Ελλάδα']


def item():
    return {'sku': f'sku-{random.randrange(500)}', 'qty': random.randrange(1, 5),
            'cents': random.randrange(99, 99_900)}


class Shop:
    """`users` and `orders` are collections, as pymongo has them."""

    def __init__(self, users, orders):
        self.users, self.orders = users, orders
        self.last_user, self.last_order = self.newest(users), self.newest(orders)

    @staticmethod
    def newest(collection):
        found = collection.find_one(sort=[('_id', -1)])
        return found['_id'] if found else 0

    def user(self):
        return {'_id': random.randint(1, max(self.last_user, 1))}

    def order(self):
        """One of the newest: that is where changes happen."""
        return {'_id': random.randint(max(self.last_order - 200, 1), max(self.last_order, 1))}

    # What happens in a shop
    def join(self):
        self.last_user += 1
        self.users.insert_one({
            '_id': self.last_user, 'email': f'user{self.last_user}@example.test',
            'name': f'User {self.last_user}', 'address': {'city': random.choice(CITIES)}, 'orders': 0,
            'joinedAt': datetime.datetime.now(datetime.timezone.utc), 'newsletter': random.random() < 0.5})

    def place(self):
        self.last_order += 1
        user = self.user()
        self.orders.insert_one({
            '_id': self.last_order, 'user': user['_id'], 'status': 'open',
            'placedAt': datetime.datetime.now(datetime.timezone.utc),
            'items': [item() for _ in range(random.randrange(1, 6))]})
        self.users.update_one(user, {'$inc': {'orders': 1}})

    def add_item(self):
        self.orders.update_one(self.order(), {'$push': {'items': item()}})

    def empty(self):
        self.orders.update_one(self.order(), {'$set': {'items': []}})

    def pay(self):
        self.orders.update_one(self.order(), {'$set': {'status': 'paid'}})

    def cancel(self):
        self.orders.delete_one(self.order())

    def relocate(self):
        self.users.update_one(self.user(), {'$set': {'address': {'city': random.choice(CITIES)}}})

    def leave(self):
        self.users.delete_one(self.user())

    def open_with(self, customers):
        """Before the doors open: so many customers, and two orders for each."""
        while self.last_user < customers:
            self.join()
            self.place()
            self.place()

    def write(self):
        """One thing that happens."""
        random.choices(
            [self.join, self.place, self.add_item, self.pay, self.relocate, self.cancel, self.empty,
             self.leave], [10, 25, 20, 20, 15, 5, 3, 2])[0]()


def main():
    parser = argparse.ArgumentParser(description='A shop that writes into MongoDB until Ctrl-C.')
    parser.add_argument('url', help='mongodb://HOST/?replicaSet=NAME')
    parser.add_argument('--customers', type=int, default=1000, help='how many are there before it opens')
    parser.add_argument('--per-second', type=float, default=50, help='how much happens')
    given = parser.parse_args()
    import pymongo
    database = pymongo.MongoClient(given.url).shop
    shop = Shop(database.users, database.orders)
    shop.open_with(given.customers)
    print(f'open: {shop.last_user} customers, {shop.last_order} orders so far', flush=True)
    done, began = 0, time.monotonic()
    try:
        while True:
            shop.write()
            done += 1
            time.sleep(max(0.0, began + done / given.per_second - time.monotonic()))
    except KeyboardInterrupt:
        print(f'paused after {done} events', flush=True)


if __name__ == '__main__':
    main()
