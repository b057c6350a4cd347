import { carriedOver, converted, fits, FORMS, items, whole } from './forms';
import { QUERY_TYPES } from './types';

describe('FORMS', () => {
  it('has a builder for every question but that for one trace', () => {
    const without = QUERY_TYPES.map(({ value }) => value).filter((type) => !FORMS[type]);
    expect(without).toEqual(['trace']);
  });
});

describe('fits', () => {
  it('knows what the builder can show', () => {
    expect(fits('words', ['a', 'b'])).toBe(true);
    expect(fits('words', ['a', { name: 'b' }])).toBe(false);
    expect(fits('label', ['a'])).toBe(false);
    expect(fits('choice', 9)).toBe(false);
    expect(fits('number', undefined)).toBe(true);
  });
});

describe('carriedOver', () => {
  it('takes along what means the same, and nothing that the other question does not know', () => {
    const series = { metric: 'page_view', agg: ['count'], groupBy: ['page'], limit: 3, filters: [{ key: 'a' }] };
    expect(carriedOver(series, 'timeseries', 'top')).toEqual({ metric: 'page_view', filters: [{ key: 'a' }] });
    expect(carriedOver(series, 'timeseries', 'ledger')).toEqual({});
  });
});

describe('converted', () => {
  it('loses no value on the way between a list and a text', () => {
    expect(converted({ key: 'a', op: '=', value: 'x' }, 'in')).toEqual({ key: 'a', op: 'in', value: ['x'] });
    expect(converted({ key: 'a', op: 'in', value: ['x', 'y'] }, '=~')).toEqual({ key: 'a', op: '=~', value: 'x|y' });
    expect(converted({ key: 'a', op: '=', value: 'x' }, 'exists')).toEqual({ key: 'a', op: 'exists' });
  });
});

describe('items and whole', () => {
  it('read what was typed', () => {
    expect(items(' a, b ,,')).toEqual(['a', 'b']);
    expect([whole('5'), whole('0'), whole('x'), whole(''), whole('1.5')]).toEqual([5, ...Array(4)]);
  });
});
