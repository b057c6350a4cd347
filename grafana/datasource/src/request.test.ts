import { adHocFilters, interpolate, withNumbers } from './request';
import { QuestionRequest } from './types';

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

describe('adHocFilters', () => {
  it('keeps every operator of Grafana, in the API’s words', () => {
    const operators = ['=', '!=', '<', '<=', '>', '>=', '=~', '!~'];
    const found = adHocFilters(operators.map((operator) => ({ key: 'status', operator, value: '500' })));
    expect(found).toEqual(operators.map((op) => ({ key: 'status', op, value: '500' })));
    expect(
      adHocFilters([
        { key: 'country', operator: '=|', value: 'US', values: ['US', 'NL'] },
        { key: 'country', operator: '!=|', value: 'US' },
        { key: '', operator: '=', value: '' },
      ])
    ).toEqual([
      { key: 'country', op: 'in', value: ['US', 'NL'] },
      { key: 'country', op: '!in', value: ['US'] },
    ]);
  });

  it('refuses in words what it does not know', () => {
    expect(() => adHocFilters([{ key: 'country', operator: '~', value: 'U' }])).toThrow(/country has the operator ~/);
  });
});

describe('withNumbers', () => {
  it('makes numbers of what came of variables, where the question takes numbers', () => {
    const request = { limit: '10', metric: '5', own: '7' } as unknown as QuestionRequest;
    expect(withNumbers('timeseries', request)).toEqual({ limit: 10, metric: '5', own: '7' });
    expect(withNumbers('timeseries', { limit: 'x' } as unknown as QuestionRequest)).toEqual({ limit: 'x' });
    expect(withNumbers('newer', request)).toEqual(request);
  });
});
