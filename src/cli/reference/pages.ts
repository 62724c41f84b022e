/** Every file that is made from the program. `npm run docs` writes them, and a test fails when one has drifted. */
import { configurationReference } from '../../config/reference.ts'
import { printSchema } from '../../config/schema.ts'
import { commands } from '../commands.ts'
import { cliPage } from './cli-page.ts'
import { formatsPage } from './formats-page.ts'

/** Path from the root of the project, and the text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/reference/cli.md', cliPage(commands)],
    ['docs/reference/configuration.md', configurationReference()],
    ['docs/reference/formats.md', formatsPage()],
    ['winnow.schema.json', `${JSON.stringify(printSchema(), undefined, 2)}\n`],
  ])
}
