import { describe, expect, it } from 'vitest'
import { compileStreamTemplate } from './compile-stream-template.ts'
import { PatternError } from './pattern-error.ts'

describe('stream templates', () => {
  it.each([
    ['{major}.{minor}', [{ capture: 'major' }, '.', { capture: 'minor' }]],
    ['major', [{ capture: 'major' }]],
    ['1', [{ capture: '1' }]],
    ['{branch}', [{ capture: 'branch' }]],
    ['v{1}-x', ['v', { capture: '1' }, '-x']],
  ])('%s', (source, parts) => {
    expect(compileStreamTemplate(source)).toEqual({ source, parts })
  })

  it.each(['', 'a-b', '{', '{a', 'a}', '{}', '{a b}', '{a}}', '{{a}}', '{0}'])('refuses %j', (source) => {
    expect(() => compileStreamTemplate(source)).toThrow(PatternError)
  })
})
