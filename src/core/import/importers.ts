/** The one table of importers; adding a system is one line here. */
import type { Importer } from './importer.ts'
import { acrPurgeImporter } from './acr-purge.ts'
import { artifactoryCleanupImporter } from './artifactory-cleanup.ts'
import { deckschrubberImporter } from './deckschrubber.ts'
import { deletePackageVersionsImporter } from './delete-package-versions.ts'
import { ecrImporter } from './ecr.ts'
import { garImporter } from './gar.ts'
import { gcrCleanerImporter } from './gcr-cleaner.ts'
import { gcrgcImporter } from './gcrgc.ts'
import { ghcrCleanupImporter } from './ghcr-cleanup-action.ts'
import { gitlabImporter } from './gitlab.ts'
import { harborImporter } from './harbor.ts'
import { nexusImporter } from './nexus.ts'
import { quayImporter } from './quay.ts'
import { registryCliImporter } from './registry-cli.ts'
import { snokImporter } from './snok.ts'
import { tumblrImporter } from './tumblr.ts'
import { werfImporter } from './werf.ts'
import { zotImporter } from './zot.ts'

export const importers: readonly Importer[] = [
  ecrImporter,
  garImporter,
  harborImporter,
  gitlabImporter,
  zotImporter,
  quayImporter,
  acrPurgeImporter,
  gcrCleanerImporter,
  ghcrCleanupImporter,
  snokImporter,
  tumblrImporter,
  werfImporter,
  nexusImporter,
  deckschrubberImporter,
  deletePackageVersionsImporter,
  registryCliImporter,
  artifactoryCleanupImporter,
  gcrgcImporter,
]

/** Systems whose policies people ask for, and why there is no importer. */
export const notImported: Readonly<Record<string, string>> = {
  'jfrog-artifactory':
    'its cleanup policies speak of packages and versions of Artifactory, and which of them are images is not in the file',
  'gcr-lifecycle-policy':
    'earlier releases keep the oldest images of each repository and later ones the newest, and a command does not say of which it is',
}
