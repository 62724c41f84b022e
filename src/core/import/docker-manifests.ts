/**
 * What tools see that ask a registry for Docker's manifests (schema 2) alone. A Distribution registry answers them that an
 * OCI image or index is not there, and shows them of a manifest list the one manifest for linux/amd64: they never delete
 * any of these (distribution/distribution, registry/handlers/manifests.go).
 */
import type { ImportedBlock } from './imported-policy.ts'

/** Anything else, and what the inventory does not tell the type of, is not matched and stays. */
export const dockerManifests: ImportedBlock = {
  mediaType: ['application/vnd.docker.distribution.manifest.v2+json'],
}

/** How to let the rules speak of the others, for the comment above them. */
export const dockerManifestsRemark =
  'The tool sees Docker manifests alone; without `mediaType` OCI images and indexes go by this, too.'
