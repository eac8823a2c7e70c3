import { expect, it } from 'vitest'
import { WriteLease } from './write-lease.ts'

it('is not held before it was granted', () => {
  expect(new WriteLease().holds(0)).toBe(false)
})

it('runs from when the renewal was sent, not from when it was answered', () => {
  const lease = new WriteLease()
  lease.granted(1_000, 3_000)
  expect(lease.holds(3_999)).toBe(true)
  expect(lease.holds(4_000)).toBe(false)
})

it('is not shortened by an older answer that comes late', () => {
  const lease = new WriteLease()
  lease.granted(2_000, 3_000)
  lease.granted(1_000, 3_000)
  expect(lease.holds(4_500)).toBe(true)
})

it('tells who waits for it, until they leave', () => {
  const lease = new WriteLease()
  let told = 0
  const leave = lease.onGranted(() => told++)
  lease.granted(0, 10)
  lease.granted(5, 10)
  expect(told).toBe(2)
  leave()
  lease.granted(10, 10)
  expect(told).toBe(2)
})

it('is not held after it was given back', () => {
  const lease = new WriteLease()
  lease.granted(0, 3_000)
  lease.end()
  expect(lease.holds(1)).toBe(false)
})
