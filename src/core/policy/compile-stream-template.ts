/** Stream templates: what splits the images of a rule into streams that are counted apart (`per:`, DESIGN section 3). */
import { PatternError } from './pattern-error.ts'
import type { StreamTemplate } from './policy.ts'

const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[1-9][0-9]?)$/
const hint =
  'Name parts of a version or captures of the tag pattern in braces, as in "{major}.{minor}", "{branch}" or "{1}".'

/**
 * Compiles `{major}.{minor}`; a name alone, `major`, is `{major}`.
 *
 * @throws PatternError for braces that do not pair, a name that is none, and a template that names nothing.
 */
export function compileStreamTemplate(source: string): StreamTemplate {
  if (name.test(source)) return { source, parts: [{ capture: source }] }
  const parts: StreamTemplate['parts'][number][] = []
  let position = 0
  while (position < source.length) {
    const open = source.indexOf('{', position)
    const text = source.slice(position, open === -1 ? source.length : open)
    if (text.includes('}')) throw new PatternError(source, 'A brace is closed that was not opened.', hint)
    if (text !== '') parts.push(text)
    if (open === -1) break
    const close = source.indexOf('}', open)
    if (close === -1) throw new PatternError(source, 'A brace is not closed.', hint)
    const capture = source.slice(open + 1, close)
    if (!name.test(capture)) throw new PatternError(source, `"{${capture}}" does not hold a name.`, hint)
    parts.push({ capture })
    position = close + 1
  }
  if (!parts.some((part) => typeof part !== 'string')) {
    throw new PatternError(source, 'It names nothing, so that all images would be one stream.', hint)
  }
  return { source, parts }
}
