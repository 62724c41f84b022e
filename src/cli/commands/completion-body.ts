import type { CommandBody } from '../command.ts'
import { completionScripts } from '../completion/scripts.ts'
import { wordTree } from '../completion/word-tree.ts'
import { exitCodes } from '../exit-codes.ts'
import { UsageError } from '../report-error.ts'

export const completionBody: CommandBody = {
  async run({ arguments: [shell = ''], commands, terminal }) {
    const script = completionScripts.get(shell)
    if (script === undefined) {
      throw new UsageError(
        `There is no completion for ${shell}.`,
        `Name one of: ${[...completionScripts.keys()].join(', ')}.`,
      )
    }
    terminal.stdout.write(script(wordTree(commands)))
    return exitCodes.done
  },
}
