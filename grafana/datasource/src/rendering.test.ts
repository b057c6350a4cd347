import {
  applyFieldOverrides,
  createDataFrame,
  createTheme,
  DataFrame,
  DisplayValue,
  Field,
  FieldConfigSource,
  FieldDisplay,
  FieldType,
  getFieldDisplayValues,
  standardFieldConfigEditorRegistry,
} from '@grafana/data';
import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';

/** How Grafana's own code shows an answer that is empty, or none because the query failed, in each committed panel. */

interface Panel {
  type: string;
  title: string;
  fieldConfig: FieldConfigSource;
  options: { reduceOptions: { calcs: string[]; values?: boolean; fields?: string } };
}

const FOLDER = join(__dirname, '../../../provisioning/grafana/dashboards/seamark');
const PANELS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .flatMap((name) => {
    const { title, panels } = JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
    return (panels as Panel[])
      .filter(({ type }) => !['row', 'text', 'alertlist'].includes(type))
      .map((panel): [string, Panel] => [`${title}: ${panel.title}`, panel]);
  });
const NUMBERS = PANELS.filter(([, { type }]) => ['stat', 'bargauge', 'gauge', 'piechart'].includes(type));
const theme = createTheme();
const GREY = '#8e8e8e';
const NO_DATA = 'No data';

/** Grafana registers its standard options at its start, in a part that is not published: the same names. */
const OPTIONS = [
  'displayName',
  'unit',
  'min',
  'max',
  'decimals',
  'noValue',
  'color',
  'thresholds',
  'mappings',
  'fieldMinMax',
];

beforeAll(() => {
  const always = { override: () => null, editor: () => null, shouldApply: () => true, settings: {}, description: '' };
  const asGiven = (value: unknown) => value;
  standardFieldConfigEditorRegistry.setInit(() =>
    OPTIONS.map((id) => ({ ...always, id, path: id, name: id, process: asGiven }))
  );
});

function frames(values?: Array<number | null>): DataFrame[] {
  const fields = values
    ? [{ name: 'count', type: FieldType.number, labels: { app: 'shop', release: '1' }, values, config: {} }]
    : [];
  return [createDataFrame({ refId: 'A', fields })];
}

function prepared({ fieldConfig }: Panel, data: DataFrame[]): DataFrame[] {
  const replaceVariables = (text: string) => text;
  return applyFieldOverrides({ data, fieldConfig, replaceVariables, theme, timeZone: 'utc' });
}

function shown(panel: Panel, data: DataFrame[]): FieldDisplay[] {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: (text: string) => text,
    theme,
    timeZone: 'utc',
    data: prepared(panel, data),
  });
}

function textOf({ prefix, text, suffix }: DisplayValue): string {
  return `${prefix ?? ''}${text}${suffix ?? ''}`;
}

test('the first panel tells whether telemetry arrives', () => {
  const { panels } = JSON.parse(readFileSync(join(FOLDER, 'seamark-start.json'), 'utf8'));
  const first = panels.find(({ type }: Panel) => type !== 'row');
  expect(first).toMatchObject({ type: 'table', targets: [{ queryType: 'freshness' }], timeFrom: '24h' });
  expect(NUMBERS.length).toBeGreaterThan(15);
});

const NOTHING: Array<[string, DataFrame[]]> = [
  ['no frame, as of a query that failed', []],
  ['a frame without fields', frames()],
  ['no rows', frames([])],
  ['null', frames([null])],
  ['several nulls', frames([null, null])],
  ['NaN', frames([NaN])],
];

describe.each(NUMBERS)('%s', (_, panel) => {
  test.each(NOTHING)('claims nothing of %s', (__, data) => {
    for (const { display } of shown(panel, data)) {
      expect([textOf(display), display.color]).toEqual([NO_DATA, GREY]);
    }
  });

  test('shows a number that is there', () => {
    const [{ display }] = shown(panel, frames([0]));
    expect(textOf(display)).toMatch(/^0/);
    expect(display.color).not.toBe(GREY);
  });
});

test.each(PANELS)('%s says that there is no data, and no more', (_, panel) => {
  expect(panel.fieldConfig.defaults.noValue).toBe(panel.type === 'table' ? undefined : NO_DATA);
});

/** The columns of a table that are coloured; a table has no columns but those its overrides or its answer name. */
function coloured(panel: Panel): string[] {
  return panel.fieldConfig.overrides
    .filter(({ properties }) => properties.some(({ id }) => id === 'custom.cellOptions'))
    .map(({ matcher }) => (matcher.id === 'byName' ? String(matcher.options) : 'day 1'));
}

const COLUMNS = PANELS.filter(([, { type }]) => type === 'table').flatMap(([name, panel]) =>
  coloured(panel).map((column): [string, string, Panel] => [name, column, panel])
);

test.each(COLUMNS)('%s, column %s, does not colour a cell that has no value', (_, column, panel) => {
  const field: Field = { name: column, type: FieldType.number, values: [null, 0.5, 1], config: {} };
  const [frame] = prepared(panel, [createDataFrame({ fields: [field] })]);
  const { color, text } = frame.fields[0].display?.(null) ?? {};
  expect(['#00000000', GREY, '#808080', theme.colors.text.primary]).toContain(color);
  expect(['', '–', NO_DATA]).toContain(text);
});
