/** The one table of importers; adding a system is one line here. */
import type { Importer } from './importer.ts'
import { ecrImporter } from './ecr.ts'

export const importers: readonly Importer[] = [ecrImporter]
