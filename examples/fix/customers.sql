create table customers (id int primary key, name text not null, phone text, profile jsonb);
insert into customers
select i, 'Customer ' || i,
       case when i % 3 = 0 then '0049 30 ' || 1000 + i when i % 3 = 1 then '+49 30 ' || 1000 + i end,
       jsonb_build_object('country', case when i % 2 = 0 then 'de' else 'AT' end, 'score', 1.10)
from generate_series(1, 300) i;
