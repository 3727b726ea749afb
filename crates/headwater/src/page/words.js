// Every text of the first page, in both languages.

export const words = {
  zh: {
    docs: 'API 文档', signIn: '登录', signOut: '退出', token: 'API 令牌',
    signInHint: '粘贴一个 API 令牌。它只保存在这个标签页里，关闭即忘。',
    tokenWrong: '令牌无效、已过期或已撤销。', tokenForm: '这不像一个令牌：它以 hw_ 开头，没有空格。',
    figures: '管道指标', search: '查找客户', searchHint: '姓名、拼音、手机尾号、邮箱，或 标识类型:值', people: '客户', live: '实时事件',
    accepted: '已接收', processed: '已处理', deduplicated: '去重', quarantined: '隔离', parties: '客户数', lag: '积压',
    rate: '每秒接收', upToDate: '无', entries: '{0} 条日志 · {1}',
    hint: '按 / 查找。可输入姓名、拼音、手机尾号、邮箱，也可用 user_id:u-1 精确查找。',
    loading: '载入中…', nobody: '没有找到“{0}”。', noEvents: '还没有事件。', noTimeline: '没有行为记录。', noTraits: '没有属性。',
    forbidden: '当前令牌没有查看的权限：{0}', gone: '找不到，或已不存在。', offline: '连不上服务器。', failed: '出错了：{0}', retry: '重试',
    more: '更多', back: '← 返回结果', found: '“{0}” 的结果', events: '{0} 个事件', identifiers: '标识', traits: '属性', timeline: '时间线',
    shared: '多人共用', seen: '{0} 至 {1}', provenance: '来源 {0} · 证据 {2} · 依据 {3} · {1}', since: '首次出现 {0}', details: '{0} · 来源 {1}',
    'outcome.processed': '已处理', 'outcome.duplicate': '重复', 'outcome.quarantined': '隔离', unnamed: '（无名称）', seconds: '{0} 秒',
  },
  en: {
    docs: 'API docs', signIn: 'Sign in', signOut: 'Sign out', token: 'API token',
    signInHint: 'Paste an API token. It is kept in this tab only, and forgotten when you close it.',
    tokenWrong: 'The token is unknown, expired or revoked.', tokenForm: 'This is no token: one begins with hw_ and has no spaces.',
    figures: 'Pipeline figures', search: 'Find people', searchHint: 'Name, pinyin, end of a phone number, e-mail, or kind:value', people: 'People', live: 'Live events',
    accepted: 'Accepted', processed: 'Processed', deduplicated: 'Duplicates', quarantined: 'Quarantined', parties: 'Parties', lag: 'Lag',
    rate: 'Accepted a second', upToDate: 'none', entries: '{0} log entries · {1}',
    hint: 'Press / to search. A name, pinyin, the end of a phone number, an e-mail – or user_id:u-1 for exactly that identifier.',
    loading: 'Loading…', nobody: 'Nobody found for “{0}”.', noEvents: 'No events yet.', noTimeline: 'Nothing on the timeline.', noTraits: 'No traits.',
    forbidden: 'This token may not see this: {0}', gone: 'Not found, or gone.', offline: 'The server cannot be reached.', failed: 'Something went wrong: {0}', retry: 'Try again',
    more: 'More', back: '← Back to the results', found: 'Results for “{0}”', events: '{0} events', identifiers: 'Identifiers', traits: 'Traits', timeline: 'Timeline',
    shared: 'shared', seen: '{0} to {1}', provenance: 'from {0} · evidence {2} · under {3} · {1}', since: 'first seen {0}', details: '{0} · from {1}',
    'outcome.processed': 'processed', 'outcome.duplicate': 'duplicate', 'outcome.quarantined': 'quarantined', unnamed: '(no name)', seconds: '{0} s',
  },
};
