// One readable story per kind of plan. What each says stands in ../expected, under the scenario's name.
import { brokenRules } from '../broken-rules.ts'
import { planDrain } from '../drain.ts'
import { placeTopic, planFleetPlacement } from '../placement.ts'
import { proposeReadReplicas } from '../read-replicas.ts'
import { planRebalance } from '../rebalance.ts'
import {
  renderBrokenRules,
  renderDrain,
  renderPlacement,
  renderPlacements,
  renderRebalance,
  renderReplicas,
  renderStandbys,
  renderStubs,
} from '../render.ts'
import { planStandbys } from '../standbys.ts'
import { planStubs } from '../stubs.ts'
import { cluster, exampleFleet, MB, topic } from './example-fleet.ts'

/** Three topics at home, one cluster nearly full: what most scenarios start from. */
const settled = [
  topic('clicks', { megabytesIn: 20, readers: 4, cluster: 'eu-a-2', stub: 'eu-a-1' }),
  topic('orders', { sla: 'gold', megabytesIn: 10, readers: 3, cluster: 'eu-a-1', standby: 'eu-b-1' }),
  topic('carts', { megabytesIn: 10, readers: 5, cluster: 'eu-a-1' }),
  topic('ledger', { tenant: 'bank', transactional: true, megabytesIn: 8, cluster: 'eu-b-1' }),
]

export const scenarios: Readonly<Record<string, () => string>> = {
  'placement-of-a-gold-topic': () =>
    renderPlacement(
      placeTopic(
        exampleFleet({ topics: settled }),
        topic('payments', { sla: 'gold', megabytesIn: 5, readers: 6 }),
      ),
    ),

  'placement-refused-for-bytes-out': () =>
    renderPlacement(
      placeTopic(
        exampleFleet({ topics: settled }),
        topic('telemetry', { sla: 'gold', megabytesIn: 25, readers: 6 }),
      ),
    ),

  'placement-refused-without-a-standby': () =>
    renderPlacement(
      placeTopic(
        exampleFleet({ clusters: [cluster('eu-a-1'), cluster('eu-a-2'), cluster('us-a-1')] }),
        topic('payments', { sla: 'gold' }),
      ),
    ),

  'placement-refused-as-all-are-cordoned': () =>
    renderPlacement(
      placeTopic(
        exampleFleet({
          clusters: [cluster('eu-a-1', { state: 'cordoned' }), cluster('eu-a-2', { state: 'draining' })],
        }),
        topic('payments'),
      ),
    ),

  'placement-of-an-unknown-class': () =>
    renderPlacement(placeTopic(exampleFleet(), topic('payments', { sla: 'glod' }))),

  'placement-of-many-topics': () =>
    renderPlacements(
      planFleetPlacement(
        exampleFleet({
          topics: [
            ...settled,
            topic('views', { megabytesIn: 15, readers: 3 }),
            topic('audit', { tenant: 'bank', sla: 'gold', megabytesIn: 2, readers: 1 }),
            topic('returns', { megabytesIn: 1, readers: 1 }),
          ],
        }),
      ),
    ),

  'placement-of-a-dedicated-tenant': () =>
    [
      topic('trades', { tenant: 'bank', sla: 'platinum', megabytesIn: 20 }),
      topic('wishes', { tenant: 'shop', sla: 'platinum' }),
    ]
      .map((each) => renderPlacement(placeTopic(exampleFleet(), each)))
      .join('\n'),

  'placement-of-transactional-topics': () =>
    [
      topic('transfers', { tenant: 'bank', transactional: true }),
      topic('transfers-gold', { tenant: 'bank', sla: 'gold', transactional: true }),
    ]
      .map((each) => renderPlacement(placeTopic(exampleFleet(), each)))
      .join('\n'),

  'drain-of-a-home': () =>
    renderDrain(
      planDrain(
        exampleFleet({
          topics: [
            ...settled,
            topic('profiles', {
              cluster: 'eu-a-1',
              movable: { ok: false, reason: 'the topic is compacted: copy it by a flow' },
            }),
            topic('invoices', { tenant: 'bank', sla: 'gold', cluster: 'eu-b-1', standby: 'eu-a-1' }),
            topic('metrics', { cluster: 'eu-a-1', pinnedTo: 'eu-a-1' }),
          ],
        }),
        'eu-a-1',
      ),
    ),

  'drain-of-an-empty-cluster': () => renderDrain(planDrain(exampleFleet({ topics: settled }), 'us-a-1')),

  'drain-of-a-cluster-that-is-away': () =>
    renderDrain(
      planDrain(
        exampleFleet({
          clusters: exampleFleet().clusters.map((each) =>
            each.name === 'eu-a-2' ? { ...each, state: 'unavailable' } : each,
          ),
          topics: settled,
        }),
        'eu-a-2',
      ),
    ),

  'rebalance-after-a-new-cluster': () =>
    renderRebalance(planRebalance(beforeNewCluster(['eu-c-1']), { maxMoves: 5, threshold: 0.2 })),

  'rebalance-cut-short': () =>
    renderRebalance(planRebalance(beforeNewCluster(['eu-c-1', 'eu-c-2']), { maxMoves: 2, threshold: 0.2 })),

  'rebalance-with-nothing-to-do': () =>
    renderRebalance(planRebalance(beforeNewCluster([]), { maxMoves: 5, threshold: 0.3 })),

  'read-replica-proposed': () =>
    renderReplicas(
      proposeReadReplicas(
        exampleFleet({
          topics: [
            ...settled,
            topic('prices', {
              sla: 'gold',
              megabytesIn: 8,
              readers: 40,
              cluster: 'eu-b-1',
              standby: 'eu-a-2',
              stub: 'eu-a-1',
            }),
          ],
          clusters: exampleFleet().clusters.map((each) =>
            each.tier === 'read'
              ? { ...each, capacity: { ...each.capacity, bytesOutPerSecond: 400 * MB } }
              : each,
          ),
        }),
      ),
    ),

  'read-replica-without-room': () =>
    renderReplicas(
      proposeReadReplicas(
        exampleFleet({ topics: [topic('prices', { sla: 'gold', megabytesIn: 20, readers: 40 })] }),
      ),
    ),

  'read-replica-not-needed': () => renderReplicas(proposeReadReplicas(exampleFleet({ topics: settled }))),

  'standbys-missing-and-wrong': () =>
    renderStandbys(
      planStandbys(
        exampleFleet({
          topics: [
            topic('orders', { sla: 'gold', cluster: 'eu-a-1' }),
            topic('payments', { sla: 'gold', cluster: 'eu-a-1', standby: 'eu-a-2' }),
            topic('refunds', { sla: 'gold', cluster: 'eu-a-1', standby: 'eu-b-1' }),
            topic('clicks', { cluster: 'eu-a-1', standby: 'eu-b-1' }),
            topic('feed', { sla: 'gold', cluster: 'eu-a-2', stub: 'eu-a-1', megabytesIn: 60, readers: 1 }),
          ],
        }),
      ),
    ),

  'stubs-missing-and-elsewhere': () =>
    renderStubs(
      planStubs(
        exampleFleet({
          clusters: exampleFleet().clusters.map((each) =>
            each.name === 'eu-b-1' ? { ...each, otherPartitions: 998 } : each,
          ),
          topics: [
            topic('orders', { cluster: 'eu-a-1' }),
            topic('clicks', { cluster: 'eu-a-2' }),
            topic('views', { cluster: 'us-a-1', stub: 'eu-a-2' }),
            topic('ledger', { tenant: 'bank', cluster: 'eu-a-1' }),
          ],
        }),
      ),
    ),

  'rules-that-the-fleet-breaks': () =>
    renderBrokenRules(
      brokenRules(
        exampleFleet({
          topics: [
            topic('orders', { sla: 'gold', cluster: 'us-a-1', stub: 'eu-a-1', standby: 'eu-b-1' }),
            topic('prices', { megabytesIn: 30, readers: 8, cluster: 'eu-a-2', stub: 'eu-a-1' }),
            topic('trades', { tenant: 'bank', sla: 'platinum', cluster: 'eu-a-1', stub: 'eu-b-1' }),
          ],
        }),
      ),
    ),
}

function beforeNewCluster(fresh: readonly string[]) {
  const many = ['eu-a-1', 'eu-a-2', 'eu-b-1', 'us-a-1'].flatMap((at, i) =>
    [6, 5, 4, 3].map((megabytesIn, j) =>
      topic(`topic-${i}${j}`, {
        megabytesIn: megabytesIn - (i % 2),
        readers: 8,
        cluster: at,
        stub: at === 'eu-a-1' ? null : 'eu-a-1',
      }),
    ),
  )
  const fleet = exampleFleet({ topics: many })
  return { ...fleet, clusters: [...fleet.clusters, ...fresh.map((name) => cluster(name))] }
}
