import { expect, test } from 'vitest'
import { wantedImage } from './find.ts'

test('BRAID_KAFKA_IMAGE gets the version as its tag', () => {
  expect(wantedImage('apache/kafka', '3.9.2')).toBe('apache/kafka:3.9.2')
  expect(wantedImage('registry.example:5000/kafka', '4.3.1')).toBe('registry.example:5000/kafka:4.3.1')
})

test('a tag of another version is refused: the test would not test what it says', () => {
  expect(wantedImage('own/kafka:4.3.1-slim', '4.3.1')).toBe('own/kafka:4.3.1-slim')
  expect(() => wantedImage('own/kafka:4.3.1', '3.9.2')).toThrow(/is not Kafka 3\.9\.2: give it without a tag/)
})
