"""The census of places that a test writes: its JSON form by name and path."""
import json
import os

import bson
import project
from bson import ObjectId
from harness import DATA

SHOP = DATA / "named" / "dump"


def oid(number):
    return ObjectId(f"64f1c0a2b3c4d5e6{number:08x}")


class Census(project.Case):
    def bson(self, name, documents):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        bson.write(path, documents)
        return path

    def census(self, *args, status=0):
        """The JSON form: every collection by name."""
        done = self.lugger("describe", *args, "--full", "--json", "--no-trial", status=status)
        place = json.loads(done.out)
        place["by_name"] = {one["name"]: one for one in place["collections"]}
        place["err"] = done.err
        return place

    def one(self, *args, status=0):
        """The only collection, its paths by name."""
        place = self.census(*args, status=status)
        self.assertEqual(len(place["collections"]), 1)
        return self.by_path(place["collections"][0])

    @staticmethod
    def by_path(collection):
        collection["by_path"] = {path["path"]: path for path in collection["paths"]}
        return collection

    def text(self, *args, status=0):
        return self.lugger("describe", *args, "--full", "--no-trial", status=status)
