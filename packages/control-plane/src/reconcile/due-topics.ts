/**
 * Topics that lack what protects them from the loss of a cluster: they do not wait for the round of theirs. At most as
 * many as there are; one that is gone by the time it is looked at is passed over.
 */
export class DueTopics {
  private ids = new Set<string>()
  private moved = new Set<string>()

  add(topicId: string): void {
    this.ids.add(topicId)
  }

  /** All of them; they are due no longer. */
  take(): string[] {
    const taken = [...this.ids]
    this.ids = new Set()
    return taken
  }

  /** It is elsewhere now: what was chosen as its standby may be where it is itself, or fail with it. */
  addMoved(topicId: string): void {
    this.moved.add(topicId)
  }

  /** Those whose standby is to be chosen anew. */
  takeMoved(): string[] {
    const taken = [...this.moved]
    this.moved = new Set()
    return taken
  }
}
