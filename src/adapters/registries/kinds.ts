/** The names of products, apart from their drivers, so that a driver may ask which product a host is. */

/** The kinds that winnow.yaml knows, without `auto`, which recogniseRegistry turns into one of these. */
export type RegistryKind =
  | 'distribution'
  | 'zot'
  | 'generic'
  | 'artifact-registry'
  | 'ecr'
  | 'acr'
  | 'docker-hub'
  | 'ghcr'
  | 'gitlab'
  | 'harbor'
  | 'quay'
  | 'artifactory'
  | 'nexus'
  | 'gitea'
  | 'trow'
