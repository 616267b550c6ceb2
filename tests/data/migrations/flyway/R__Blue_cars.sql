create or replace view blue_cars as select 1 as n;
