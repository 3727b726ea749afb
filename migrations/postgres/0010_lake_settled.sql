-- How often a party was put on the list, and up to which of these times its rows in the lake have been put right:
-- a party is looked up only while the first is the greater.
alter table lake_moved add column times bigint not null default 1;
alter table lake_moved add column settled bigint not null default 0;
