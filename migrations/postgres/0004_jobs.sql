-- Jobs: work that takes longer than a request, waiting, running or over.
create table job (
  workspace_id bigint not null,
  job_no bigint not null,
  kind text collate "C" not null,
  job_key text collate "C" not null,
  input text collate "C" not null,
  schedule_id text collate "C",
  due_us bigint,
  actor text collate "C" not null,
  state text collate "C" not null,
  created_us bigint not null,
  ready_us bigint not null,
  started_us bigint,
  finished_us bigint,
  finished_no bigint,
  attempt bigint not null,
  attempts_max bigint not null,
  epoch bigint not null,
  owner text collate "C" not null,
  lease_us bigint not null,
  deadline_us bigint,
  cancel_us bigint,
  done bigint not null,
  total bigint,
  progress text collate "C" not null,
  waits_for text collate "C" not null,
  result text collate "C",
  problem text collate "C",
  primary key (workspace_id, job_no)
);
create index job_state on job (workspace_id, state, ready_us);
create index job_schedule on job (workspace_id, schedule_id, finished_no);
create index job_finished on job (workspace_id, finished_us);
-- Of each kind and key one at a time, whatever the processes believe.
create unique index job_alone on job (workspace_id, kind, job_key) where state = 'running';

-- What a job said while it ran.
create table job_line (
  workspace_id bigint not null,
  job_no bigint not null,
  seq bigint not null,
  at_us bigint not null,
  is_problem bigint not null,
  line text collate "C" not null,
  primary key (workspace_id, job_no, seq)
);

-- Processes that run jobs, and which kinds each can.
create table job_worker (
  workspace_id bigint not null,
  owner text collate "C" not null,
  kinds text collate "C" not null,
  seen_us bigint not null,
  primary key (workspace_id, owner)
);

-- Schedules as they are defined, through the log; until when each was looked at, and which ends of jobs it
-- has taken into account.
create table schedule (
  workspace_id bigint not null,
  schedule_id text collate "C" not null,
  version bigint not null,
  name text collate "C" not null,
  kind text collate "C" not null,
  input text collate "C" not null,
  cadence text collate "C" not null,
  is_paused bigint not null,
  actor text collate "C" not null,
  created_us bigint not null,
  changed_us bigint not null,
  considered_us bigint not null,
  seen_no bigint not null,
  primary key (workspace_id, schedule_id)
);

-- Why a schedule ran or did not: once for each time it was due and each reason.
create table schedule_decision (
  workspace_id bigint not null,
  schedule_id text collate "C" not null,
  due_us bigint not null,
  reason text collate "C" not null,
  seq bigint not null,
  at_us bigint not null,
  job_no bigint,
  detail text collate "C" not null,
  primary key (workspace_id, schedule_id, due_us, reason)
);
create index schedule_decision_seq on schedule_decision (workspace_id, schedule_id, seq);
create index schedule_decision_at on schedule_decision (workspace_id, at_us);

alter table job enable row level security;
alter table job force row level security;
create policy own_workspace on job
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table job_line enable row level security;
alter table job_line force row level security;
create policy own_workspace on job_line
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table job_worker enable row level security;
alter table job_worker force row level security;
create policy own_workspace on job_worker
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table schedule enable row level security;
alter table schedule force row level security;
create policy own_workspace on schedule
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);

alter table schedule_decision enable row level security;
alter table schedule_decision force row level security;
create policy own_workspace on schedule_decision
  using (workspace_id = current_setting('headwater.workspace')::bigint)
  with check (workspace_id = current_setting('headwater.workspace')::bigint);
