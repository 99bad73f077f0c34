/** A file that the bundler puts into the program as a text. */
declare module '*?text' {
  const text: string;
  export default text;
}
