-- lugger scaffold 28f7c45f7c78fe3c (of what follows: once it is edited, scaffold leaves the file alone)
-- Constraints, once every table is loaded and verified. `lugger run --stage constrain` does the
-- same.
-- Each is added NOT VALID, which takes no time, and validated without keeping writers out.

-- shop.ids
ALTER TABLE "ids" ADD CONSTRAINT "ids_lugger_not_null" CHECK ("n" IS NOT NULL) NOT VALID;
ALTER TABLE "ids" VALIDATE CONSTRAINT "ids_lugger_not_null";
ALTER TABLE "ids" ALTER COLUMN "n" SET NOT NULL;
ALTER TABLE "ids" DROP CONSTRAINT "ids_lugger_not_null";

-- shop.log
ALTER TABLE "log" ADD CONSTRAINT "log_lugger_not_null" CHECK ("line" IS NOT NULL) NOT VALID;
ALTER TABLE "log" VALIDATE CONSTRAINT "log_lugger_not_null";
ALTER TABLE "log" ALTER COLUMN "line" SET NOT NULL;
ALTER TABLE "log" DROP CONSTRAINT "log_lugger_not_null";

-- shop.orders
ALTER TABLE "order_lines" ADD CONSTRAINT "order_lines_parent_fkey" FOREIGN KEY ("order_id") REFERENCES "orders" ("id") ON DELETE CASCADE NOT VALID;
ALTER TABLE "order_lines" VALIDATE CONSTRAINT "order_lines_parent_fkey";
ALTER TABLE "orders" ADD CONSTRAINT "orders_lugger_not_null" CHECK ("user" IS NOT NULL AND "status" IS NOT NULL AND "total" IS NOT NULL AND "placed_at" IS NOT NULL) NOT VALID;
ALTER TABLE "orders" VALIDATE CONSTRAINT "orders_lugger_not_null";
ALTER TABLE "orders" ALTER COLUMN "user" SET NOT NULL, ALTER COLUMN "status" SET NOT NULL, ALTER COLUMN "total" SET NOT NULL, ALTER COLUMN "placed_at" SET NOT NULL;
ALTER TABLE "orders" DROP CONSTRAINT "orders_lugger_not_null";
ALTER TABLE "order_lines" ADD CONSTRAINT "order_lines_lugger_not_null" CHECK ("sku" IS NOT NULL AND "qty" IS NOT NULL AND "price" IS NOT NULL AND "opts" IS NOT NULL) NOT VALID;
ALTER TABLE "order_lines" VALIDATE CONSTRAINT "order_lines_lugger_not_null";
ALTER TABLE "order_lines" ALTER COLUMN "sku" SET NOT NULL, ALTER COLUMN "qty" SET NOT NULL, ALTER COLUMN "price" SET NOT NULL, ALTER COLUMN "opts" SET NOT NULL;
ALTER TABLE "order_lines" DROP CONSTRAINT "order_lines_lugger_not_null";
ALTER TABLE "orders" ADD CONSTRAINT "orders_user_fkey" FOREIGN KEY ("user") REFERENCES "users" ("id") NOT VALID;
ALTER TABLE "orders" VALIDATE CONSTRAINT "orders_user_fkey";

-- shop.users
ALTER TABLE "users" ADD CONSTRAINT "users_lugger_not_null" CHECK ("email" IS NOT NULL AND "name" IS NOT NULL AND "age" IS NOT NULL AND "address" IS NOT NULL AND "tags" IS NOT NULL AND "attrs" IS NOT NULL AND "created_at" IS NOT NULL AND "balance" IS NOT NULL AND "visits" IS NOT NULL) NOT VALID;
ALTER TABLE "users" VALIDATE CONSTRAINT "users_lugger_not_null";
ALTER TABLE "users" ALTER COLUMN "email" SET NOT NULL, ALTER COLUMN "name" SET NOT NULL, ALTER COLUMN "age" SET NOT NULL, ALTER COLUMN "address" SET NOT NULL, ALTER COLUMN "tags" SET NOT NULL, ALTER COLUMN "attrs" SET NOT NULL, ALTER COLUMN "created_at" SET NOT NULL, ALTER COLUMN "balance" SET NOT NULL, ALTER COLUMN "visits" SET NOT NULL;
ALTER TABLE "users" DROP CONSTRAINT "users_lugger_not_null";
