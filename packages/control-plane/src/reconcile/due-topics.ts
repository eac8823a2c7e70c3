/**
 * Topics that lack what protects them from the loss of a cluster: they do not wait for the round of theirs. At most as
 * many as there are; one that is gone by the time it is looked at is passed over.
 */
export class DueTopics {
  private ids = new Set<string>()
  private forStandby = new Set<string>()

  add(topicId: string): void {
    this.ids.add(topicId)
  }

  /** All of them; they are due no longer. */
  take(): string[] {
    const taken = [...this.ids]
    this.ids = new Set()
    return taken
  }

  /**
   * Its standby is to be chosen: it is elsewhere now, so the one it has may be where it is itself, or fail with it; or
   * its class asks for one since a moment ago.
   */
  addForStandby(topicId: string): void {
    this.forStandby.add(topicId)
  }

  takeForStandby(): string[] {
    const taken = [...this.forStandby]
    this.forStandby = new Set()
    return taken
  }
}
