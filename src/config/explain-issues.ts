/** Turns what zod found into sentences with a place and a cure. No sentence quotes what may be a secret. */
import type { z } from 'zod'
import { countMax } from './fields.ts'
import { habitHint, isLiteralSecret, literalSecretHint } from './habits.ts'
import type { SchemaNode } from './schema-paths.ts'
import { didYouMean, homesOf, keysAt, nodesAt } from './schema-paths.ts'
import { isSecretKey } from './secrets.ts'
import type { DiagnosticOptions, Path } from './yaml-source.ts'

type Issue = z.core.$ZodIssue

export interface Finding extends DiagnosticOptions {
  readonly path: Path
}

/** All findings for the issues of one parse of `value`. */
export function explainIssues(
  root: SchemaNode,
  value: unknown,
  issues: readonly Issue[],
): readonly Finding[] {
  return issues.flatMap((issue) => explain({ root, value }, issue, []))
}

interface Context {
  readonly root: SchemaNode
  readonly value: unknown
}

function explain(context: Context, issue: Issue, base: Path): readonly Finding[] {
  const path = [...base, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(context.root, path, key))
    case 'invalid_union':
      return union(context, issue.errors, path)
    case 'invalid_type':
      return [wrongType(context, path, issue.expected)]
    case 'invalid_value':
      return [wrongValue(context, path, issue.values)]
    case 'too_small':
    case 'too_big':
      return [outOfRange(context, issue, path)]
    case 'invalid_key':
      return issue.issues.map((inner) => ({ path, message: inner.message, hint: hintOf(inner), atKey: true }))
    case 'custom':
      return [{ path, message: issue.message, hint: hintOf(issue) }]
    default:
      return [{ path, message: `${issue.message}.`, hint: exampleHint(context.root, path) }]
  }
}

function unknownKey(root: SchemaNode, path: Path, key: string): Finding {
  const at = { path: [...path, key], atKey: true }
  if (isLiteralSecret(key)) {
    return {
      ...at,
      message: `"${key}" would hold a secret, and none may stand in this file.`,
      hint: literalSecretHint,
    }
  }
  const where = path.length === 0 ? 'at the top of the file' : `in ${pathText(path)}`
  const known = keysAt(root, path)
  const meant = didYouMean(key, known)
  const below = homesOf(root, path, key)
  const homes = below.length > 0 || path.length === 0 ? below : homesOf(root, path.slice(0, -1), key)
  const message = `Unknown key ${JSON.stringify(key)} ${where}.${meant === undefined ? '' : ` Did you mean "${meant}"?`}`
  if (meant !== undefined) return { ...at, message }
  if (homes.length > 0) {
    return { ...at, message, hint: `It belongs under ${homes.map((home) => `\`${home}:\``).join(' or ')}.` }
  }
  return { ...at, message, hint: habitHint(key) ?? `Known here: ${known.join(', ')}.` }
}

/** Of the alternatives only the one that the value was meant as has something to say. */
function union(context: Context, errors: readonly (readonly Issue[])[], path: Path): readonly Finding[] {
  const isForeign = (issue: Issue): boolean => issue.path.length === 0 && issue.code === 'invalid_type'
  const meant = errors.filter((issues) => !issues.some(isForeign))
  const values = meant.flatMap((issues) =>
    issues.flatMap((issue) => (issue.code === 'invalid_value' ? issue.values : [])),
  )
  const own = meant.find((issues) => issues.some((issue) => issue.code !== 'invalid_value'))
  if (own) return own.flatMap((issue) => explain(context, issue, path))
  if (values.length > 0) return [wrongValue(context, path, values)]
  return [wrongType(context, path, undefined)]
}

function wrongType(context: Context, path: Path, expected: string | undefined): Finding {
  const value = valueAt(context.value, path)
  const name = pathText(path)
  const nodes = nodesAt(context.root, path)
  const kinds = expected ?? [...new Set(nodes.flatMap((node) => kindsOf(node)))].join(' or ')
  if (value === undefined) {
    const [node] = nodes
    return { path: path.slice(0, -1), atKey: true, message: `${name} is missing.`, hint: node?.description }
  }
  if (path.join('.') === 'evidence.helm' && value === false) {
    return {
      path,
      message: 'Leaving Helm out needs a reason.',
      hint: 'Write `helm: {revisions: false, reason: "…"}`.',
    }
  }
  if (value === null) {
    return {
      path,
      message: `${name} has no value.`,
      hint: `Write one, or leave the key out. ${exampleHint(context.root, path) ?? ''}`.trim(),
    }
  }
  const message = `${name} must be ${kindWord(kinds)}, not ${describe(value)}.`
  return { path, message, hint: exampleHint(context.root, path) ?? quotesHint(kinds, value) }
}

function quotesHint(kinds: string, value: unknown): string | undefined {
  return kinds.includes('string') && (typeof value === 'number' || typeof value === 'boolean')
    ? `Put quotes around it: "${value}".`
    : undefined
}

function wrongValue(context: Context, path: Path, values: readonly unknown[]): Finding {
  const value = valueAt(context.value, path)
  if (value === undefined || value === null) return wrongType(context, path, undefined)
  const allowed = values.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
  const isShown = typeof value !== 'object' && !path.some((step) => isSecretKey(String(step)))
  const meant = isShown && typeof value === 'string' ? didYouMean(value, allowed) : undefined
  const shown = isShown
    ? `${JSON.stringify(value).slice(0, 60)} is no value of ${pathText(path)}.`
    : `This is no value of ${pathText(path)}.`
  return {
    path,
    message: `${shown}${meant === undefined ? '' : ` Did you mean "${meant}"?`}`,
    hint: allowed.length === 1 ? `The only value is ${allowed.join('')}.` : `One of: ${allowed.join(', ')}.`,
  }
}

function outOfRange(
  context: Context,
  issue: Extract<Issue, { code: 'too_small' | 'too_big' }>,
  path: Path,
): Finding {
  const name = pathText(path)
  const isEmpty = issue.code === 'too_small' && issue.origin !== 'number' && issue.origin !== 'int'
  if (isEmpty && issue.origin === 'array') {
    return {
      path,
      message: `${name} is an empty list.`,
      hint: 'Leave the key out to match everything, or name something.',
    }
  }
  if (isEmpty)
    return { path, message: `${name} is empty, and matches nothing.`, hint: 'Write "*" for everything.' }
  const [node] = nodesAt(context.root, path).filter((each) => each.minimum !== undefined)
  const range = rangeText(node?.minimum ?? 0, node?.maximum ?? countMax)
  return { path, message: `${name} must be a whole number, ${range}.`, hint: exampleHint(context.root, path) }
}

function rangeText(min: number, max: number): string {
  return max >= countMax ? `${min} or more` : `from ${min} to ${max}`
}

function hintOf(issue: Issue): string | undefined {
  const hint: unknown = issue.code === 'custom' ? issue.params?.['hint'] : undefined
  return typeof hint === 'string' ? hint : undefined
}

function exampleHint(root: SchemaNode, path: Path): string | undefined {
  const examples = nodesAt(root, path).flatMap((node) => node.examples ?? [])
  return examples.length === 0
    ? undefined
    : `For example: ${examples.map((each) => JSON.stringify(each)).join(', ')}.`
}

const kindWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
}

function kindWord(kinds: string): string {
  return kinds
    .split(' or ')
    .map((kind) => kindWords[kind] ?? kind)
    .join(' or ')
}

function kindsOf(node: SchemaNode): readonly string[] {
  return node.type === undefined ? [] : [node.type]
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction'
  return typeof value === 'boolean' ? 'true or false' : 'a map of keys'
}

/** `policies[0].rules[2].keep`, as people write it. */
export function pathText(path: Path): string {
  const written = path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '')
  return written === '' ? 'The file' : `\`${written}\``
}

/** What stands at `path` in a plain value. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Record<string | number, unknown>)[step]
  }
  return found
}
