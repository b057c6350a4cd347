import { carriedOver, converted, fits, formOf, isComplete, items, takesFilters, whole } from './forms';
import { numbersOf, QUERY_TYPES } from './questions';

describe('formOf', () => {
  it('is a builder for every question but that for one trace', () => {
    const without = QUERY_TYPES.map(({ value }) => value).filter((type) => formOf(type).length === 0);
    expect(without).toEqual(['trace']);
  });

  it('shows the fields that the API describes, without those of the panel and of paging', () => {
    const fields = Object.fromEntries(formOf('logs').map((field) => [field.field, field.kind]));
    const text = { contains: 'text', traceId: 'text' };
    expect(fields).toEqual({ service: 'service', severity: 'choice', ...text, limit: 'number' });
    const [signal] = formOf('ledger').filter(({ field }) => field === 'signal');
    expect([signal.kind, signal.options]).toEqual(['choice', ['events', 'traces', 'metrics', 'logs']]);
    const kinds = ['metric', 'agg', 'groupBy', 'exemplars'].map(
      (name) => formOf('timeseries').find(({ field }) => field === name)?.kind
    );
    expect(kinds).toEqual(['metric', 'choices', 'labels', 'switch']);
  });

  it('shows in an empty field what holds without it', () => {
    const shown = (type: string, name: string) => formOf(type).find(({ field }) => field === name);
    expect(shown('errors', 'names')?.placeholder).toBe('exception, error');
    expect(shown('funnel', 'steps')?.placeholder).toBe('buy, exception');
    expect([shown('errors', 'spans')?.initial, shown('timeseries', 'exemplars')?.initial]).toEqual([true, false]);
  });

  it('has nothing for a question that is newer than this plugin', () => {
    expect(formOf('newer')).toEqual([]);
    expect(takesFilters('newer')).toBe(false);
    expect(isComplete('newer', {})).toBe(true);
  });
});

describe('numbersOf', () => {
  it('names the columns that are numbers, the headline first, by their list where there are several', () => {
    expect(numbersOf('top')).toEqual(['value', 'share']);
    expect(numbersOf('errors').slice(0, 2)).toEqual(['total.rate', 'groups.count']);
    expect(numbersOf('logs')).toEqual([]);
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
