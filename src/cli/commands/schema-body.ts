import type { CommandBody } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { UsageError } from '../report-error.ts'
import { jsonSchemas } from '../schemas/json-schemas.ts'
import { writeDocument } from '../views/documents.ts'
import { writeOutputFile } from '../write-output-file.ts'

export const schemaBody: CommandBody = {
  async run({ arguments: [name = 'configuration'], globals, options, terminal }) {
    const schema = jsonSchemas.get(name)
    if (schema === undefined) {
      throw new UsageError(
        `There is no format called ${name}.`,
        `The formats are:\n  ${[...jsonSchemas.keys()].join('\n  ')}`,
      )
    }
    const path = options.text('out')
    const document = schema()
    if (path !== undefined) await writeOutputFile(path, schemaText(document))
    else if (globals.output === 'yaml') await writeDocument('yaml', document, terminal.stdout)
    else terminal.stdout.write(schemaText(document))
    return exitCodes.done
  },
}

/** As editors and diffs like it: one key a line. */
function schemaText(schema: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`
}
