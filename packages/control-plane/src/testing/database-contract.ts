// What every database that the store can be on has to do. Run by the tests of each.
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Database } from '../store/database.ts'

/** Somewhere to keep a store, empty at first; opened again, it has what was committed. */
export interface StorePlace {
  open(): Promise<Database>
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

export function databaseContract(place: () => Promise<StorePlace>): void {
  async function database(): Promise<{ db: Database; where: StorePlace; names: () => Promise<unknown[]> }> {
    const where = await place()
    const db = await where.open()
    onTestFinished(() => db.close())
    await db.run('CREATE TABLE thing (name TEXT PRIMARY KEY, number BIGINT, share DOUBLE PRECISION)')
    const names = async () => (await db.all('SELECT name FROM thing ORDER BY name')).map((row) => row.name)
    return { db, where, names }
  }
  const add = (db: Database, name: string) => db.run('INSERT INTO thing (name) VALUES (?)', name)

  test('values come back as they went in, and rows are plain', async () => {
    const { db } = await database()
    const big = Number.MAX_SAFE_INTEGER
    expect(await db.run('INSERT INTO thing VALUES (?, ?, ?)', 'it\'s "a?"', big, 0.5)).toBe(1)
    expect(await db.run('INSERT INTO thing VALUES (?, ?, ?)', 'nothing', null, null)).toBe(1)
    const rows = await db.all("SELECT *, '?' AS mark FROM thing ORDER BY name")
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { name: 'it\'s "a?"', number: big, share: 0.5, mark: '?' },
      { name: 'nothing', number: null, share: null, mark: '?' },
    ])
    expect({ ...(await db.get('SELECT count(*) AS n, max(number) AS most FROM thing')) }).toEqual({
      n: 2,
      most: big,
    })
    expect(await db.get('SELECT name FROM thing WHERE name = ?', 'nobody')).toBeUndefined()
    expect(await db.run('UPDATE thing SET number = 1')).toBe(2)
  })

  describe('a transaction', () => {
    test('is there as a whole, and after the database is opened again', async () => {
      const { db, where, names } = await database()
      const result = await db.transaction(async () => {
        await add(db, 'a')
        await add(db, 'b')
        return 'done'
      })
      expect([result, await names()]).toEqual(['done', ['a', 'b']])
      await db.close()
      const again = await where.open()
      onTestFinished(() => again.close())
      expect(await again.all('SELECT name FROM thing')).toHaveLength(2)
    })

    test('that throws leaves nothing, and the next one works', async () => {
      const { db, names } = await database()
      const failing = db.transaction(async () => {
        await add(db, 'a')
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      await db.transaction(() => add(db, 'b'))
      expect(await names()).toEqual(['b'])
    })

    test('in another is part of it: what it wrote goes with the whole', async () => {
      const { db, names } = await database()
      const outer = db.transaction(async () => {
        await db.transaction(() => add(db, 'a'))
        expect(await names()).toEqual(['a'])
        throw new Error('no')
      })
      await expect(outer).rejects.toThrow('no')
      expect(await names()).toEqual([])
    })

    test('fails when a part of it failed, also where that was caught', async () => {
      const { db, names } = await database()
      await add(db, 'taken')
      const statement = db.transaction(async () => {
        await add(db, 'a')
        await add(db, 'taken').catch(() => {})
      })
      await expect(statement).rejects.toThrow(/unique/i)
      const nested = db.transaction(async () => {
        await add(db, 'b')
        await db
          .transaction(async () => {
            throw new Error('inner')
          })
          .catch(() => {})
        await add(db, 'c').catch(() => {})
      })
      await expect(nested).rejects.toThrow('inner')
      expect(await names()).toEqual(['taken'])
    })

    test('asked after its end throws, because an await is missing', async () => {
      const { db, names } = await database()
      const over = Promise.withResolvers<void>()
      let late: Promise<unknown> = Promise.resolve()
      await db.transaction(async () => {
        await add(db, 'a')
        late = (async () => {
          await over.promise
          await add(db, 'late')
        })()
        late.catch(() => {})
      })
      over.resolve()
      await expect(late).rejects.toThrow(/asked after its transaction had ended: an await is missing/)
      expect(await names()).toEqual(['a'])
    })

    test('has the database to itself: others wait, in their order, and never see what is not committed', async () => {
      const { db, names } = await database()
      const go = Promise.withResolvers<void>()
      const order: string[] = []
      const first = db.transaction(async () => {
        await add(db, 'first')
        await go.promise
        order.push('first')
      })
      await tick()
      const seen = names()
      const second = db.transaction(async () => {
        order.push('second')
        await add(db, `second after ${(await names()).join()}`)
      })
      const third = add(db, 'third').then(() => order.push('third'))
      await tick()
      expect(order).toEqual([])
      go.resolve()
      await Promise.all([first, second, third])
      expect(order).toEqual(['first', 'second', 'third'])
      expect(await seen).toEqual(['first'])
      expect(await names()).toEqual(['first', 'second after first', 'third'])
    })

    test('of many at once, each reads and writes alone', async () => {
      const { db } = await database()
      await db.run("INSERT INTO thing (name, number) VALUES ('counter', 0)")
      const raise = () =>
        db.transaction(async () => {
          const row = await db.get("SELECT number FROM thing WHERE name = 'counter'")
          await tick()
          await db.run("UPDATE thing SET number = ? WHERE name = 'counter'", Number(row?.number) + 1)
        })
      await Promise.all(Array.from({ length: 50 }, raise))
      expect(await db.get('SELECT number FROM thing')).toMatchObject({ number: 50 })
    })

    test('may make several calls at once', async () => {
      const { db, names } = await database()
      await db.transaction(async () => {
        await Promise.all(['c', 'a', 'b'].map((name) => add(db, name)))
      })
      expect(await names()).toEqual(['a', 'b', 'c'])
    })

    test('is known by itself', async () => {
      const { db } = await database()
      expect(db.current).toBeUndefined()
      const seen: unknown[] = []
      const look = async () => {
        seen.push(db.current)
        await db.transaction(async () => void seen.push(db.current))
      }
      await db.transaction(look)
      await db.transaction(look)
      expect(seen[0]).toBe(seen[1])
      expect(seen[2]).toBe(seen[3])
      expect(seen[0]).not.toBe(seen[2])
    })

    test('that fails at its commit announces nothing', async () => {
      const { db, names } = await database()
      const announced: string[] = []
      const failing = db.transaction(async () => {
        await add(db, 'a')
        db.afterCommit(() => announced.push('a'))
        await db.run('INSERT INTO nowhere VALUES (1)').catch(() => {})
      })
      await expect(failing).rejects.toThrow(/nowhere/)
      expect([announced, await names()]).toEqual([[], []])
    })
  })

  describe('an announcement', () => {
    test('comes once all is committed, before the next transaction begins, in order', async () => {
      const { db } = await database()
      const heard: string[] = []
      const first = db.transaction(async () => {
        await add(db, 'a')
        db.afterCommit(() => heard.push('one'))
        await db.transaction(async () => db.afterCommit(() => heard.push('two')))
        await tick()
        heard.push('work ends')
      })
      const second = db.transaction(async () => void heard.push('next'))
      await Promise.all([first, second])
      expect(heard).toEqual(['work ends', 'one', 'two', 'next'])
    })

    test('may begin work of its own, which is not part of what was committed', async () => {
      const { db, names } = await database()
      let begun: Promise<unknown> = Promise.resolve()
      await db.transaction(async () => {
        db.afterCommit(() => {
          begun = add(db, 'later')
        })
      })
      await begun
      expect(await names()).toEqual(['later'])
    })

    test('outside of a transaction comes at once; after the end of one it throws', async () => {
      const { db } = await database()
      const heard: string[] = []
      db.afterCommit(() => heard.push('at once'))
      expect(heard).toEqual(['at once'])
      const over = Promise.withResolvers<void>()
      let late: Promise<void> = Promise.resolve()
      await db.transaction(async () => {
        late = over.promise.then(() => db.afterCommit(() => heard.push('late')))
        late.catch(() => {})
      })
      over.resolve()
      await expect(late).rejects.toThrow(/an await is missing/)
    })
  })

  describe('close', () => {
    test('fails what waits and what comes later, and rolls back what is open', async () => {
      const { db, where } = await database()
      const closed = Promise.withResolvers<void>()
      const stuck = db.transaction(async () => {
        await add(db, 'stuck')
        await closed.promise
        await add(db, 'never')
      })
      await tick()
      const waiting = add(db, 'waiting')
      const outcomes = Promise.allSettled([stuck, waiting])
      await tick()
      await db.close()
      await db.close()
      closed.resolve()
      expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      await expect(add(db, 'late')).rejects.toThrow('the store is closed')
      expect(db.ended?.message).toBe('the store is closed')
      const again = await where.open()
      onTestFinished(() => again.close())
      expect(await again.all('SELECT name FROM thing')).toEqual([])
    })
  })
}
