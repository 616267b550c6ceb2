// The batched jsonb_to_recordset way of loading, 500 documents a statement, with the documents already in memory: what a script in
// JavaScript does at its best. Prints the seconds the loading took.
//   node seed.mjs users.json CONNECTION_URL
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const pg = createRequire(process.env.SEED_MODULES + '/')('pg');
const [file, host] = process.argv.slice(2);
const batchSize = 500;

const documents = [];
for await (const line of createInterface({ input: createReadStream(file) })) {
  const raw = JSON.parse(line);
  documents.push({
    _id: raw._id.$oid, email: raw.email, name: raw.name, metadata: raw.metadata,
    createdAt: new Date(Number(raw.createdAt.$date.$numberLong)), updatedAt: new Date(Number(raw.updatedAt.$date.$numberLong)),
  });
}

const client = new pg.Client({ host, user: 'postgres', database: 'postgres' });
await client.connect();
const started = process.hrtime.bigint();
for (let at = 0; at < documents.length; at += batchSize) {
  const values = documents.slice(at, at + batchSize).map((doc) => ({
    mongo_id: doc._id,
    email: doc.email,
    name: doc.name ?? null,
    metadata: doc.metadata ? JSON.stringify(doc.metadata) : null,
    created_at: doc.createdAt,
    updated_at: doc.updatedAt,
  }));
  await client.query(
    `insert into users (mongo_id, email, name, metadata, created_at, updated_at)
     select v.mongo_id, v.email, v.name, v.metadata::jsonb, v.created_at::timestamptz, v.updated_at::timestamptz
     from jsonb_to_recordset($1::jsonb)
       as v(mongo_id text, email text, name text, metadata text, created_at text, updated_at text)
     on conflict (mongo_id) do nothing`,
    [JSON.stringify(values)],
  );
}
console.log(Number(process.hrtime.bigint() - started) / 1e9);
await client.end();
