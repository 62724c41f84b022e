/** A tag to ask about deletion with: 128 random bits are nobody's, so there is nothing that removing it could remove. */
import { randomBytes } from 'node:crypto'

export function nobodysTag(): string {
  return `winnow-probe-${randomBytes(16).toString('hex')}`
}
