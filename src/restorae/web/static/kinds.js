// Kinds of files, by their names.

const FILMS = /\.(3gp|asf|avi|dv|flv|m2ts|m2v|m4v|mkv|mov|mp4|mpeg|mpg|mts|mxf|nut|ogv|ts|vob|webm|wmv)$/i;

/** Whether a file's name promises a film. */
export const isFilm = (name) => FILMS.test(name ?? "");
