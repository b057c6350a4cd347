/** Who sends, in every batch. */
export const NAME = 'seamark-web';
export const VERSION = '0.1.0';
