/** The reference of winnow.yaml as Markdown, made from the schema, so that neither can say what the other does not. */
import type { SchemaNode } from './schema-paths.ts'
import { alternatives } from './schema-paths.ts'
import { printSchema } from './schema.ts'

/** `docs/reference/configuration.md`: one section for each map of keys, in the order of the file. */
export function configurationReference(): string {
  const sections: string[] = []
  const seen = new Map<string, string>()
  addSection({ node: printSchema(), path: '', sections, seen })
  return [
    '# winnow.yaml',
    'Every key, from the schema that checks the file. Unknown keys are mistakes.',
    ...sections,
    '',
  ].join('\n\n')
}

interface Place {
  readonly node: SchemaNode
  readonly path: string
  readonly sections: string[]
  /** The path of the first section with these keys: `not` and `except` have those of `match`. */
  readonly seen: Map<string, string>
}

function addSection({ node, path, sections, seen }: Place): void {
  const properties = Object.entries(node.properties ?? {})
  const heading = path === '' ? '## The file' : `## \`${path}\``
  const signature = JSON.stringify(node.properties)
  const same = seen.get(signature)
  if (same !== undefined) {
    sections.push(`${heading}\n\nThe same keys as \`${same}\`.`)
    return
  }
  seen.set(signature, path)
  const required = new Set(node.required ?? [])
  const rows = properties.map(([name, child]) => row(name, child, required.has(name)))
  sections.push(
    [heading, '', '| key | value | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  )
  for (const [name, child] of properties) {
    for (const { inner, suffix } of mapsWithin(child)) {
      addSection({ node: inner, path: `${path === '' ? '' : `${path}.`}${name}${suffix}`, sections, seen })
    }
  }
}

/** The maps that a key holds: its own, an element's of its list, or those under names of the user's choice. */
function mapsWithin(node: SchemaNode): readonly { readonly inner: SchemaNode; readonly suffix: string }[] {
  const found = alternatives(node).flatMap((each) => {
    const own = each.properties ? [{ inner: each, suffix: '' }] : []
    const element = each.items?.properties ? [{ inner: each.items, suffix: '[]' }] : []
    const named = each.additionalProperties
    const entry = typeof named === 'object' && named.properties ? [{ inner: named, suffix: '.NAME' }] : []
    return [...own, ...element, ...entry]
  })
  return found.slice(0, 1)
}

function row(name: string, node: SchemaNode, isRequired: boolean): string {
  const standard = node.default === undefined ? (isRequired ? 'required' : '') : `\`${plain(node.default)}\``
  const example = node.examples ?? alternatives(node).find((each) => each.examples)?.examples
  const examples = example ? ` For example ${example.map((each) => `\`${plain(each)}\``).join(', ')}.` : ''
  return `| \`${name}\` | ${valueOf(node)} | ${standard} | ${cell((node.description ?? '') + examples)} |`
}

function valueOf(node: SchemaNode): string {
  const kinds = alternatives(node).flatMap((each) => {
    if (each.enum) return each.enum.map((value) => `\`${plain(value)}\``)
    if (each.const !== undefined) return [`\`${plain(each.const)}\``]
    if (each.type === 'array') return ['list']
    return each.type === undefined ? [] : [kindWords[each.type] ?? each.type]
  })
  return cell([...new Set(kinds)].join(', '))
}

const kindWords: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  boolean: 'true or false',
  object: 'map',
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}
