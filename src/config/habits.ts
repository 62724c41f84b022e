/** Keys that people bring along from other tools, and what says the same here. */

const keepNewest = 'Say `keep: {newest: N}` in a rule.'
const olderThan = 'Say `delete: {olderThan: 30d}` in a rule, or `keep: {within: 30d}`.'
const expression = String.raw`Say \`match: {tags: ['/v\d+.*/']}\`: a regular expression stands between slashes, any other pattern is a glob.`
const secret =
  'This file is read by many and kept in Git. Name a file (`passwordFile`, `tokenFile`) or an environment variable (`passwordEnv`, `tokenEnv`) that holds the secret, or use `docker login`.'
const dryRun = 'Nothing is ever changed by `winnow plan`; only `winnow apply` changes a registry.'
const schedule =
  'When to run is not said here: `winnow serve` has a schedule, or use cron, a CI schedule or a CronJob.'

/** Looked up in lower case without dashes and underscores. */
const habits: Readonly<Record<string, string>> = {
  keeplast: keepNewest,
  keepn: keepNewest,
  keeplatest: keepNewest,
  keepversions: keepNewest,
  keepnmostrecent: keepNewest,
  keepntagged: keepNewest,
  keeptags: 'Say `match: {tags: [...]}` with `keep: {all: true}`.',
  last: keepNewest,
  latest: keepNewest,
  mostrecentlypushedcount: keepNewest,
  mostrecentlypulledcount: 'Say `keep: {newest: N, by: pulled}` in a rule.',
  keephourly: 'Say `keep: {hourly: N}` in a rule.',
  keepdaily: 'Say `keep: {daily: N}` in a rule.',
  keepweekly: 'Say `keep: {weekly: N}` in a rule.',
  keepmonthly: 'Say `keep: {monthly: N}` in a rule.',
  keepyearly: 'Say `keep: {yearly: N}` in a rule.',
  keepwithin: 'Say `keep: {within: 7d}` in a rule.',
  keepdays: 'Say `keep: {within: 7d}` in a rule.',
  olderthan: olderThan,
  newerthan: 'Say `keep: {within: 30d}` in a rule.',
  age: olderThan,
  ago: olderThan,
  cutoff: olderThan,
  maxage: olderThan,
  ttl: olderThan,
  regex: expression,
  regexp: expression,
  tagregex: expression,
  nameregex: expression,
  pattern: 'Say `match: {tags: ["v*"]}`.',
  patterns: 'Say `match: {tags: ["v*"]}`.',
  tag: 'Say `tags: ["v*"]`, a list of patterns.',
  tagprefix: 'Say `match: {tags: ["v*"]}`.',
  tagprefixes: 'Say `match: {tags: ["v*"]}`.',
  repository: 'Say `repositories: ["team/**"]`, a list of patterns.',
  repos: 'Say `repositories: ["team/**"]`.',
  exclude: 'Say `not:` in a rule, or "!pattern" in a list of patterns.',
  excludetags: 'Say "!pattern" in the list of patterns.',
  ignoretags: 'Say "!pattern" in the list of patterns.',
  include: 'Say `match:` in a rule.',
  filter: 'Say `match:` in a rule.',
  selector: 'Say `match:` in a rule.',
  untagged: 'Say `match: {tagged: false}` in a rule.',
  deleteuntagged: 'Say `match: {tagged: false}` with `delete: {olderThan: 7d}` in a rule.',
  action: 'A rule has `keep:` or `delete:`.',
  priority: 'The order of rules bears on nothing: keep goes before delete.',
  default: 'Say `unmatched: keep` or `unmatched: delete`.',
  dryrun: dryRun,
  schedule,
  cron: schedule,
  password: secret,
  token: secret,
  secret,
  username: 'Say `auth: {username: …, passwordFile: …}`.',
  timezone: 'It stands inside `keep:`, for daily, weekly and other calendar counts.',
}

/** What to write instead of a foreign key, where we know. */
export function habitHint(key: string): string | undefined {
  const plain = key.toLowerCase().replace(/[-_]/g, '')
  return Object.hasOwn(habits, plain) ? habits[plain] : undefined
}

/** Whether a key would hold a secret itself. */
export function isLiteralSecret(key: string): boolean {
  return ['password', 'token', 'secret', 'identitytoken', 'apikey'].includes(
    key.toLowerCase().replace(/[-_]/g, ''),
  )
}

export const literalSecretHint: string = secret
