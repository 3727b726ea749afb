-- Jobs: work that takes longer than a request, waiting, running or over.
create table job (
  workspace_id integer not null,
  job_no integer not null,
  kind text not null,
  job_key text not null,
  input text not null,
  schedule_id text,
  due_us integer,
  actor text not null,
  state text not null,
  created_us integer not null,
  ready_us integer not null,
  started_us integer,
  finished_us integer,
  finished_no integer,
  attempt integer not null,
  attempts_max integer not null,
  epoch integer not null,
  owner text not null,
  lease_us integer not null,
  deadline_us integer,
  cancel_us integer,
  done integer not null,
  total integer,
  progress text not null,
  waits_for text not null,
  result text,
  problem text,
  primary key (workspace_id, job_no)
) without rowid;
create index job_state on job (workspace_id, state, ready_us);
create index job_schedule on job (workspace_id, schedule_id, finished_no);
create index job_finished on job (workspace_id, finished_us);
-- Of each kind and key one at a time, whatever the processes believe.
create unique index job_alone on job (workspace_id, kind, job_key) where state = 'running';

-- What a job said while it ran.
create table job_line (
  workspace_id integer not null,
  job_no integer not null,
  seq integer not null,
  at_us integer not null,
  is_problem integer not null,
  line text not null,
  primary key (workspace_id, job_no, seq)
) without rowid;

-- Processes that run jobs, and which kinds each can.
create table job_worker (
  workspace_id integer not null,
  owner text not null,
  kinds text not null,
  seen_us integer not null,
  primary key (workspace_id, owner)
) without rowid;

-- Schedules as they are defined, through the log; until when each was looked at, and which ends of jobs it
-- has taken into account.
create table schedule (
  workspace_id integer not null,
  schedule_id text not null,
  version integer not null,
  name text not null,
  kind text not null,
  input text not null,
  cadence text not null,
  is_paused integer not null,
  actor text not null,
  created_us integer not null,
  changed_us integer not null,
  considered_us integer not null,
  seen_no integer not null,
  primary key (workspace_id, schedule_id)
) without rowid;

-- Why a schedule ran or did not: once for each time it was due and each reason.
create table schedule_decision (
  workspace_id integer not null,
  schedule_id text not null,
  due_us integer not null,
  reason text not null,
  seq integer not null,
  at_us integer not null,
  job_no integer,
  detail text not null,
  primary key (workspace_id, schedule_id, due_us, reason)
) without rowid;
create index schedule_decision_seq on schedule_decision (workspace_id, schedule_id, seq);
create index schedule_decision_at on schedule_decision (workspace_id, at_us);
