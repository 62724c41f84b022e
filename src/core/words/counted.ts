/** A count with its noun, for messages: `1 blob`, `2 blobs`. */
export function counted(count: number, singular: string, plural: string = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`
}
