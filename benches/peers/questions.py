"""The questions in each engine's best form. A question may have several texts: the fastest one counts.

`{t}` is the table, `{at(x)}` an instant, written as the engine reads it. Every answer is a list of rows of
integers and texts, the same in every engine and in Headwater.
"""

HOUR, DAY, WEEK = 3_600_000_000, 86_400_000_000, 7 * 86_400_000_000
CHANNELS = ["app", "mini_program", "web"]


class Texts:
    """Writes the SQL of one engine over one table."""

    def __init__(self, table, party, ts, instant, micros, until):
        self.t, self.party, self.ts, self.instant, self.micros, self.until = table, party, ts, instant, micros, until

    def at(self, before=0):
        """The instant so many microseconds before the question's."""
        return self.instant(self.until - before)

    def last(self, micros):
        """Within so many microseconds before the question, which is asked in the last one before `until`."""
        return f"{self.ts} >= {self.at(micros)} and {self.ts} < {self.at()}"

    def week(self, weeks):
        """Number of the week among those before the question."""
        start = self.until - weeks * WEEK
        return start, self.micros(self.ts)


def both(q):
    """What DuckDB and ClickHouse are asked in the same words."""
    orders = f"event = 'order_completed' and {q.last(30 * DAY)}"
    views = f"event = 'product_view' and {q.last(7 * DAY)}"
    return {
        "Q1": [
            f"""select count(*), sum(p) from (select {q.party} p from {q.t} where {orders}
                group by {q.party} having count(*) >= 2 and sum(amount) >= 500) b
                where p not in (select {q.party} from {q.t} where {views})""",
            f"""select count(*), sum(p) from (select {q.party} p,
                sum(case when event = 'order_completed' then 1 else 0 end) n,
                sum(case when event = 'order_completed' then amount end) a,
                sum(case when event = 'product_view' then 1 else 0 end) v
                from {q.t} where ({orders}) or ({views}) group by {q.party}) b where n >= 2 and a >= 500 and v = 0""",
        ],
        "rule": [
            # Per party once: what each leaf measures, then the rule.
            f"""select count(*), sum(p) from (select {q.party} p,
                count(distinct case when event = 'order_completed' and {q.last(90 * DAY)} then sku end) skus,
                sum(case when event in ('search', 'favourite_added') and {q.last(30 * DAY)} then 1 else 0 end) looks,
                sum(case when event = 'email_clicked' and {q.last(60 * DAY)} then 1 else 0 end) clicks,
                sum(case when event = 'add_to_cart' and {q.last(60 * DAY)} then amount else 0 end) cart,
                sum(case when event = 'order_refunded' then 1 else 0 end) refunds
                from {q.t} where event in ('order_completed', 'search', 'favourite_added', 'email_clicked',
                'add_to_cart', 'order_refunded') group by {q.party}) b
                where skus >= 2 and looks >= 3 and (clicks >= 1 or cart > 1000) and refunds = 0""",
            # Each leaf by itself, then joined: less to group when the leaves are selective.
            f"""select count(*), sum(p) from (
                select {q.party} p from {q.t} where event = 'order_completed' and {q.last(90 * DAY)}
                group by {q.party} having count(distinct sku) >= 2) b
                where p in (select {q.party} from {q.t} where event in ('search', 'favourite_added')
                and {q.last(30 * DAY)} group by {q.party} having count(*) >= 3)
                and (p in (select {q.party} from {q.t} where event = 'email_clicked' and {q.last(60 * DAY)})
                or p in (select {q.party} from {q.t} where event = 'add_to_cart' and {q.last(60 * DAY)}
                group by {q.party} having sum(amount) > 1000))
                and p not in (select {q.party} from {q.t} where event = 'order_refunded')""",
        ],
    }


def rfm(q, day, divided):
    """Quintiles by rank, then by party: rank 0 is the first, recency is reversed."""

    def group(order):
        return f"1 + ((row_number() over (order by {order}, p) - 1) * 5) {divided} (select count(*) from b)"

    orders = f"from {q.t} where event = 'order_completed' and {q.last(730 * DAY)}"
    buyers = [
        f"select {q.party} p, max({day}) d, count(distinct {day}) f, sum(amount) m {orders} group by {q.party}",
        f"""select p, max(dn) d, count(*) f, sum(a) m from (select {q.party} p, {day} as dn, sum(amount) as a {orders}
            group by {q.party}, {day}) x group by p""",
    ]
    return [
        f"""with b as ({b}), s as (select 6 - ({group('d desc')}) r, {group('f')} f1, {group('m')} m1 from b)
            select r, f1, m1, count(*) from s group by r, f1, m1 order by r, f1, m1"""
        for b in buyers
    ]


def duckdb(q):
    start, micros = q.week(8)
    weeks = f"(({micros} - {start}) // {WEEK})"
    all_start, _ = q.week(26)
    asof = " union all ".join(
        f"select '{c}' channel, c.p, c.t, v.t v from c asof join (select * from v where channel = '{c}') v on c.p = v.p and v.t < c.t"
        for c in CHANNELS
    )
    texts = both(q)
    texts["Q2"] = rfm(q, f"{micros} // {DAY}", "//")
    texts["Q3"] = [
        f"""with v as (select {q.party} p, {micros} t, channel from {q.t} where event = 'product_view'),
            c as (select {q.party} p, {micros} t from {q.t} where event = 'add_to_cart'),
            o as (select {q.party} p, {micros} t from {q.t} where event = 'order_completed'),
            two as ({asof}),
            three as ({" union all ".join(f"select '{c}' channel, o.p, o.t, x.v from o asof join (select * from two where channel = '{c}') x on o.p = x.p and x.t < o.t" for c in CHANNELS)}),
            l1 as (select channel, count(distinct p) n from v group by channel),
            l2 as (select channel, count(distinct p) n from two where t - v <= {DAY} group by channel),
            l3 as (select channel, count(distinct p) n from three where t - v <= {DAY} group by channel)
            select channel, l1.n, coalesce(l2.n, 0), coalesce(l3.n, 0) from l1 left join l2 using (channel)
            left join l3 using (channel) order by channel""",
        f"""with e as (select {q.party} p, {micros} t, event, channel from {q.t}
            where event in ('product_view', 'add_to_cart', 'order_completed')),
            l as (select *, {", ".join(f"max(case when event = 'product_view' and channel = '{c}' then t end) over w v{i}" for i, c in enumerate(CHANNELS))}
            from e window w as (partition by p order by t rows unbounded preceding)),
            x as (select *, {", ".join(f"max(case when event = 'add_to_cart' then v{i} end) over w c{i}" for i in range(3))}
            from l window w as (partition by p order by t rows unbounded preceding)),
            d as (select p, {", ".join(f"bool_or(v{i} is not null) a{i}, bool_or(event = 'add_to_cart' and t - v{i} <= {DAY}) b{i}, bool_or(event = 'order_completed' and t - c{i} <= {DAY}) d{i}" for i in range(3))}
            from x group by p)
            {" union all ".join(f"select '{c}' channel, count(*) filter (a{i}), count(*) filter (b{i}), count(*) filter (d{i}) from d" for i, c in enumerate(CHANNELS))} order by 1""",
    ]
    texts["Q4"] = [
        f"""with m as (select {q.party} p, bit_or(1 << {weeks}) mask from {q.t} where event = 'page_view'
            and {q.ts} >= {q.at(8 * WEEK)} and {q.ts} < {q.at()} group by {q.party}),
            k as (select mask, count(*) n from m group by mask),
            g as (select cohort, period from range(8) a(cohort), range(8) b(period) where cohort + period < 8)
            select cohort, period, sum(n) from k, g where mask & ((1 << cohort) - 1) = 0
            and mask & (1 << cohort) <> 0 and mask & (1 << (cohort + period)) <> 0
            group by all order by all""",
        f"""with m as (select distinct {q.party} p, {weeks} w from {q.t} where event = 'page_view'
            and {q.ts} >= {q.at(8 * WEEK)} and {q.ts} < {q.at()}),
            f as (select p, min(w) cohort from m group by p)
            select cohort, w - cohort, count(*) from m join f using (p) group by all order by all""",
    ]
    texts["Q5"] = [
        f"""select count(*), count(distinct c.p) from
            (select {q.party} p, {q.ts} t from {q.t} where event = 'add_to_cart' and {q.last(14 * DAY)} and {q.ts} < {q.at(2 * HOUR)}) c
            asof left join (select {q.party} p, {q.ts} t from {q.t} where event = 'order_completed' and {q.last(14 * DAY)}) o
            on c.p = o.p and o.t > c.t where o.t is null or o.t > c.t + interval 2 hour""",
    ]
    texts["Q6"] = [
        f"""with o as (select sku, {q.party} p, amount, ({micros} - {all_start}) // {WEEK} w from {q.t}
            where event = 'order_completed'),
            top as (select sku, sum(amount) r from o group by sku order by r desc, sku limit 100)
            select sku, cast(r * 100 as bigint), w, count(distinct p) from o join top using (sku)
            group by all order by all""",
    ]
    texts["Q7"] = f"select {micros}, event, channel, sku, amount from {q.t} where {q.party} = ? order by {q.ts} desc limit 50"
    return texts


def clickhouse(q):
    start, micros = q.week(8)
    weeks = f"intDiv({micros} - {start}, {WEEK})"
    all_start, _ = q.week(26)
    texts = both(q)
    texts["Q2"] = rfm(q, f"intDiv({micros}, {DAY})", "div")
    funnel = ", ".join(
        f"windowFunnel({DAY})(toUInt64({micros}), event = 'product_view' and channel = '{c}', event = 'add_to_cart', event = 'order_completed') w{i}"
        for i, c in enumerate(CHANNELS)
    )
    texts["Q3"] = [
        f"""select tupleElement(x, 1), tupleElement(x, 2), tupleElement(x, 3), tupleElement(x, 4) from (
            select arrayJoin([{", ".join(f"('{c}', countIf(w{i} >= 1), countIf(w{i} >= 2), countIf(w{i} >= 3))" for i, c in enumerate(CHANNELS))}]) x
            from (select {q.party}, {funnel} from {q.t}
            where event in ('product_view', 'add_to_cart', 'order_completed') group by {q.party})) order by 1""",
        " union all ".join(
            f"""select '{c}' channel, countIf(w >= 1), countIf(w >= 2), countIf(w >= 3) from (select {q.party},
            windowFunnel({DAY})(toUInt64({micros}), event = 'product_view', event = 'add_to_cart', event = 'order_completed') w
            from {q.t} where event in ('add_to_cart', 'order_completed') or event = 'product_view' and channel = '{c}'
            group by {q.party})"""
            for c in CHANNELS
        ),
    ]
    texts["Q4"] = [
        f"""select cohort, period, sum(n) from (select mask, count() n from (select {q.party},
            groupBitOr(bitShiftLeft(toUInt16(1), {weeks})) mask from {q.t} where event = 'page_view'
            and {q.ts} >= {q.at(8 * WEEK)} and {q.ts} < {q.at()} group by {q.party}) group by mask) k
            cross join (select toUInt8(number / 8) cohort, number % 8 period from numbers(64) where cohort + period < 8) g
            where bitAnd(mask, bitShiftLeft(1, cohort) - 1) = 0 and bitTest(mask, cohort) and bitTest(mask, cohort + period)
            group by cohort, period order by cohort, period""",
    ]
    texts["Q5"] = [
        f"""select count(), uniqExact(c.p) from (select {q.party} p, {q.ts} t from {q.t}
            where event = 'add_to_cart' and {q.last(14 * DAY)} and {q.ts} < {q.at(2 * HOUR)}) c
            asof left join (select {q.party} p, {q.ts} t from {q.t} where event = 'order_completed' and {q.last(14 * DAY)}) o
            on c.p = o.p and o.t > c.t where o.t = toDateTime64(0, 6, 'UTC') or o.t > c.t + interval 2 hour""",
        f"""select sum(n), countIf(n > 0) from (select {q.party}, groupArrayIf({micros}, event = 'add_to_cart' and {q.ts} < {q.at(2 * HOUR)}) c,
            groupArrayIf({micros}, event = 'order_completed') o,
            arrayCount(x -> not arrayExists(y -> y > x and y <= x + {2 * HOUR}, o), c) n from {q.t}
            where event in ('add_to_cart', 'order_completed') and {q.last(14 * DAY)} group by {q.party})""",
    ]
    texts["Q6"] = [
        f"""with top as (select sku, sum(amount) r from {q.t} where event = 'order_completed' group by sku order by r desc, sku limit 100)
            select sku, toInt64(any(r) * 100), intDiv({micros} - {all_start}, {WEEK}) w, uniqExact({q.party}) from {q.t} e
            join top using (sku) where event = 'order_completed' group by sku, w order by sku, w""",
        f"""select sku, toInt64(r * 100), x.1, x.2 from (select sku, sum(a) r, groupArray((w, n)) x0 from (
            select sku, intDiv({micros} - {all_start}, {WEEK}) w, sum(amount) a, uniqExact({q.party}) n from {q.t}
            where event = 'order_completed' group by sku, w) group by sku order by r desc, sku limit 100)
            array join x0 as x order by sku, x.1""",
    ]
    texts["Q7"] = f"select {micros}, event, channel, sku, amount from {q.t} where {q.party} = {{}} order by {q.ts} desc limit 50"
    return texts


# Free SQL without windows, asked as it stands of Headwater and of DuckDB over the same files.
FREE = {
    "SQL1": """select event, channel, count(*) n, sum(amount) total from events group by event, channel order by event, channel""",
    "SQL2": """select sku, count(*) n, count(distinct party_no) people from events
        where event = 'add_to_cart' and time >= timestamp '2026-08-01 00:00:00' group by sku order by n desc, sku limit 50""",
    "SQL3": """select channel, count(distinct party_no) people from events where event = 'search'
        and party_no in (select party_no from events where event = 'order_completed' group by party_no having count(*) >= 3)
        group by channel order by channel""",
}
