#!/usr/bin/env node
/**
 * The entry. It answers `--version` by itself and loads everything else when it is used, so that the command starts as
 * fast as Node does.
 */
import { version } from './version.ts'

const [only, ...others] = process.argv.slice(2)

if (only === '--version' && others.length === 0) {
  process.stdout.write(`${version}\n`)
} else {
  const { runProgram } = await import('./program.ts')
  process.exitCode = await runProgram(process.argv.slice(2))
}
