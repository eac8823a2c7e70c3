/**
 * Topics that something is due for, so that they do not wait for the round of their cluster. At most as many as there
 * are; one that is gone by the time it is looked at is passed over.
 */
export class DueTopics {
  private ids = new Set<string>()

  add(topicId: string): void {
    this.ids.add(topicId)
  }

  /** All of them; they are due no longer. */
  take(): string[] {
    const taken = [...this.ids]
    this.ids = new Set()
    return taken
  }
}
