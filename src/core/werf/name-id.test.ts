import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { werfNameId } from './name-id.ts'

it.each([
  // These two are in tags that werf's users have shown in public.
  { name: 'app', id: '798e6f97' },
  { name: 'frontend', id: 'fb496116' },
  { name: 'backend', id: '27dba8ed' },
  { name: 'image', id: 'c8c39214' },
  { name: 'golang', id: '65d632c' },
  { name: '', id: '0' },
])('$name is $id', ({ name, id }) => {
  expect(werfNameId(name)).toBe(id)
})

it('reads names as UTF-8, as Go does, however long they are', () => {
  const names = Array.from({ length: 64 }, (_, i) => 'бэкенд/€/😀'.slice(0, i % 12) + 'x'.repeat(i))
  const ids = names.map(werfNameId)
  expect(ids.every((id) => /^(?:0|[1-9a-f][0-9a-f]{0,7})$/.test(id))).toBe(true)
  expect(createHash('sha256').update(ids.join()).digest('hex').slice(0, 16)).toBe('3c4d8f47bc672d68')
})
