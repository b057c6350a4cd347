import { interpolate, withAdHocFilters } from './request';

const VARIABLES: Record<string, string | string[]> = { country: ['US', 'NL'], app: 'shop', page: '/cart' };

/** Replaces $name as Grafana does, with the formatter that is given. */
const replace = (text: string, _?: unknown, format?: (value: string | string[]) => string) =>
  text.replace(/\$(\w+)/g, (whole, name: string) => {
    const value = VARIABLES[name];
    return value === undefined ? whole : format ? format(value) : String(value);
  });

describe('interpolate', () => {
  it('replaces variables however deep, and leaves the rest as it was written', () => {
    const request = {
      metric: '$app.click',
      steps: [{ name: 'a', filters: [{ key: 'page', value: '$page' }] }],
      own: 5,
    };
    expect(interpolate(request, replace, {})).toEqual({
      metric: 'shop.click',
      steps: [{ name: 'a', filters: [{ key: 'page', value: '/cart' }] }],
      own: 5,
    });
  });

  it('makes a list of a filter on several values', () => {
    const filters = [
      { key: 'country', value: '$country' },
      { key: 'country', op: '!=', value: '$country' },
      { key: 'country', op: '=~', value: '$country' },
    ];
    expect(interpolate({ filters }, replace, {}).filters).toEqual([
      { key: 'country', op: 'in', value: ['US', 'NL'] },
      { key: 'country', op: '!in', value: ['US', 'NL'] },
      { key: 'country', op: '=~', value: 'US|NL' },
    ]);
  });

  it('spreads several values in a list', () => {
    const filters = [{ key: 'country', op: 'in', value: ['DE', '$country'] }];
    expect(interpolate({ filters }, replace, {}).filters).toEqual([
      { key: 'country', op: 'in', value: ['DE', 'US', 'NL'] },
    ]);
  });
});

describe('withAdHocFilters', () => {
  it('adds them behind the query’s own, in the API’s words', () => {
    const request = { filters: [{ key: 'page', value: '/' }] };
    const found = withAdHocFilters('timeseries', request, [
      { key: 'country', operator: '=|', value: 'US', values: ['US', 'NL'] },
      { key: 'browser', operator: '!=', value: 'IE' },
      { key: '', operator: '=', value: '' },
    ]);
    expect(found.filters).toEqual([
      { key: 'page', value: '/' },
      { key: 'country', op: 'in', value: ['US', 'NL'] },
      { key: 'browser', op: '!=', value: 'IE' },
    ]);
    expect(request.filters).toHaveLength(1);
  });

  it('leaves alone what takes no filters', () => {
    const request = {};
    expect(withAdHocFilters('ledger', request, [{ key: 'a', operator: '=', value: 'b' }])).toBe(request);
  });
});
