/** Packages without types of their own, as far as the tests use them. */
declare module 'circomlibjs';
declare module 'solc';
