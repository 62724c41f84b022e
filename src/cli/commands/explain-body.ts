/** Explains one image by the same plan that `winnow plan` makes. */
import { basename } from 'node:path'
import { managedRegistriesOf } from '../../compose.ts'
import { invariant } from '../../core/errors/invariant.ts'
import { explainImage } from '../../core/plan/explain.ts'
import type { CommandBody } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { findImage } from '../find-image.ts'
import { readConfiguration } from '../load-configuration.ts'
import { makePlan } from '../make-plan.ts'
import { writeDocument, writeLines } from '../views/documents.ts'
import { explanationDocument, explanationView } from '../views/explanation.ts'

export const explainBody: CommandBody = {
  async run(context) {
    const { globals, terminal } = context
    const configuration = await readConfiguration(context)
    const { plan, input } = await makePlan(configuration, context)
    const [word = ''] = context.arguments
    const found = findImage(word, input.inventories, managedRegistriesOf(configuration))
    const explanation = explainImage(input, plan, found.registry, found.repository, found.digest)
    invariant(explanation !== undefined, 'an image that was found is not in its repository')
    const document = explanationDocument(explanation, plan.now)
    switch (globals.output) {
      case 'json':
      case 'yaml':
        await writeDocument(globals.output, document, terminal.stdout)
        break
      case 'ndjson':
        writeLines([document], terminal.stdout)
        break
      default: {
        const configName = basename(globals.config)
        terminal.stdout.write(
          explanationView(explanation, { output: terminal.stdout, configName, now: plan.now, asked: word }),
        )
      }
    }
    return exitCodes.done
  },
}
