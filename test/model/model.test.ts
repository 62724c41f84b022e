/** The model of the online sweep: every variant that `npm run model` checks does what is expected of it. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/model.mjs', import.meta.url))
const absent = ['spin', 'gcc'].filter((tool) => !isOnPath(tool))
const title = 'the model of the sweep'
const minutes = 20

describe.skipIf(absent.length > 0)(
  absent.length === 0
    ? title
    : `${title} (skipped: missing ${absent.join(', ')}; run: apt-get install ${absent.join(' ')})`,
  () => {
    it(
      'holds as a whole, breaks without each of its parts, and reaches what it is about',
      { timeout: minutes * 60_000 },
      () => {
        const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
          encoding: 'utf8',
          timeout: minutes * 60_000,
        })
        const lines = stdout.split('\n')
        expect(
          lines.filter((line) => line.startsWith('WRONG')),
          stdout + stderr,
        ).toEqual([])
        expect(lines.filter((line) => /^ok .*expected holds/.test(line))).toHaveLength(6)
        expect(status, stdout + stderr).toBe(0)
      },
    )
  },
)

function isOnPath(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
