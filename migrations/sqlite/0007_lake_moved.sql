-- Parties whose rows in the lake may carry another number than theirs, because identifiers came or went after
-- the rows were written. Questions look them up one by one.
create table lake_moved (
  workspace_id integer not null,
  party_no integer not null,
  primary key (workspace_id, party_no)
) without rowid;
