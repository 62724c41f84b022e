import { describe, expect, it } from 'vitest'
import { isHex, Packer } from './packer.ts'

const hex = '0123456789abcdef'.repeat(4)

describe('digests from the names of folders', () => {
  it.each([
    { name: 'a digest', text: hex, is: true },
    { name: 'upper case', text: hex.toUpperCase(), is: false },
    { name: 'one digit too few', text: hex.slice(1), is: false },
    { name: 'one digit too many', text: `${hex}0`, is: false },
    { name: 'what only looks like a digit', text: hex.replace('1', '\u0131'), is: false },
    { name: 'a digit followed by none', text: `${hex.slice(0, 63)}g`, is: false },
    { name: 'nothing', text: '', is: false },
  ])('$name: $is', ({ text, is }) => {
    const packer = new Packer('sha256')
    expect([isHex('sha256', text), packer.add(text), packer.isEmpty]).toEqual([is, is, !is])
  })

  it('are packed one after the other, and what was added last can be taken back', () => {
    const packer = new Packer('sha256')
    const all = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(64, '0'))
    for (const each of all) packer.add(each)
    packer.add(hex)
    expect(packer.lastStart).toBe(0x01234567)
    packer.dropLast()
    expect(Buffer.from(packer.packed()).toString('hex')).toBe(all.join(''))
  })
})
