/** Which events go into one batch. */

/** Events by index: those of each batch, and those no batch can hold. */
export interface Cut {
  batches: number[][];
  tooLarge: number[];
}

/**
 * Batches of events, in their order; `sizes` are the bytes of each event's JSON. A batch has at most `mostEvents`,
 * and with the commas between them at most `mostBytes`, but an event above that travels alone; one above
 * `hardBytes` travels not at all.
 */
export function cut(sizes: readonly number[], mostEvents: number, mostBytes: number, hardBytes: number): Cut {
  const batches: number[][] = [];
  const tooLarge: number[] = [];
  let room = -1;
  sizes.forEach((size, index) => {
    if (size > hardBytes) return tooLarge.push(index);
    let last = batches[batches.length - 1];
    if (!last || last.length >= mostEvents || size + 1 > room) {
      batches.push((last = []));
      room = mostBytes + 1;
    }
    room -= size + 1;
    return last.push(index);
  });
  return { batches, tooLarge };
}

/** How many events each half of a batch has that was too large (413): the first has more. */
export function halves(count: number): [number, number] {
  return [Math.ceil(count / 2), Math.floor(count / 2)];
}
