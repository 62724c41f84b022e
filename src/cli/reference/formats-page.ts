/** docs/reference/formats.md, from the JSON Schemas of the formats. */
import { jsonSchemas } from '../schemas/json-schemas.ts'

interface SchemaNode {
  readonly title?: string
  readonly description?: string
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly format?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly oneOf?: readonly SchemaNode[]
}

/** The page: one section a format, one row a key. */
export function formatsPage(): string {
  const sections = [...jsonSchemas]
    .filter(([name]) => name !== 'configuration')
    .map(([name, schema]) => section(name, schema() as SchemaNode))
  return `${[
    '# Formats',
    'What Winnow reads and writes for machines. Every document names its `schemaVersion`; formats only grow, so a reader passes over keys it does not know. A key that looks like one that is missing, such as `chldren` or `refrences`, refuses an inventory and evidence: what keeps an image would be lost. So does an unknown list in evidence, for it may say what is in use. Times are RFC 3339 with an offset, sizes are bytes, digests are written in full. Made from the schemas by `npm run docs`; `winnow schema NAME` prints one.',
    ...sections,
  ].join('\n\n')}\n`
}

function section(name: string, schema: SchemaNode): string {
  const rows: string[] = []
  collect(schema, '', rows)
  return [
    `## ${schema.title ?? name}`,
    '',
    `${schema.description ?? ''} \`winnow schema ${name}\` prints its JSON Schema.`,
    '',
    '| key | value | required | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

/** Rows of everything below `node`. Of alternatives, a key is told once, and required when all of them require it. */
function collect(node: SchemaNode, path: string, rows: string[]): void {
  const all = alternatives(node)
  const maps = all.filter((each) => each.properties !== undefined)
  const keys = new Set(maps.flatMap((each) => Object.keys(each.properties ?? {})))
  for (const key of keys) {
    const nodes = maps.flatMap((each) => each.properties?.[key] ?? [])
    const [first] = nodes
    const child = {
      ...(first?.description !== undefined && { description: first.description }),
      anyOf: nodes,
    }
    const at = path === '' ? key : `${path}.${key}`
    rows.push(
      row(
        at,
        child,
        maps.every((each) => each.required?.includes(key) ?? false),
      ),
    )
    collect(child, at, rows)
  }
  const elements = all.flatMap((each) => each.items ?? [])
  if (elements.length > 0) collect({ anyOf: elements }, `${path}[]`, rows)
}

function row(path: string, node: SchemaNode, isRequired: boolean): string {
  const meaning = (node.description ?? '').replaceAll('|', String.raw`\|`)
  return `| \`${path}\` | ${valueOf(node)} | ${isRequired ? 'required' : ''} | ${meaning} |`
}

function valueOf(node: SchemaNode): string {
  const kinds = alternatives(node).flatMap((each): readonly string[] => {
    if (each.const !== undefined) return [`\`${plain(each.const)}\``]
    if (each.enum !== undefined) return each.enum.map((value) => `\`${plain(value)}\``)
    if (each.type === 'array') return [each.items?.type === 'string' ? 'list of texts' : 'list']
    if (each.format === 'date-time') return ['time']
    return each.type === undefined ? [] : [words[each.type] ?? each.type]
  })
  return [...new Set(kinds)].join(', ')
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  boolean: 'true or false',
  object: 'map',
}

function alternatives(node: SchemaNode): readonly SchemaNode[] {
  const inner = node.anyOf ?? node.oneOf
  return inner === undefined ? [node] : inner.flatMap(alternatives)
}
