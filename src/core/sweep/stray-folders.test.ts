import { describe, expect, it } from 'vitest'
import { outermostStray, strayWarning } from './stray-folders.ts'

describe('outermostStray', () => {
  it.each([
    { name: 'repositories in repositories are none', path: 'team/app/x', is: undefined },
    { name: 'a folder that begins with an underscore', path: '_x', is: '_x' },
    { name: 'one in a repository, whatever is in it', path: 'team/_x/app/_y', is: 'team/_x' },
    { name: 'capitals', path: 'Team/app', is: 'Team' },
    {
      name: 'more characters than a name may have',
      path: `${'a'.repeat(250)}/bcdef/g`,
      is: `${'a'.repeat(250)}/bcdef`,
    },
  ])('$name', ({ path, is }) => {
    expect(outermostStray(path.split('/'))).toBe(is)
  })
})

describe('strayWarning', () => {
  it('is none where there is no such folder', () => {
    expect(strayWarning([])).toBeUndefined()
  })

  it('names the first and counts the others, each once', () => {
    expect(strayWarning(['/r/b', '/r/a', '/r/b'])).toMatch(
      /^"\/r\/a", and 1 more like it, can be no repository/,
    )
  })

  it('writes a name that could move the cursor so that it cannot', () => {
    expect(strayWarning(['a\u001b[2K\u009b'])).toContain('"a\\u001b[2K?" can be')
  })
})
