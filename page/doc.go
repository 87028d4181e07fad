// Package page is what all pages for people have in common: the frame around
// them, the style sheet, the words in each language, how numbers, sizes, times
// and countries are written, and what an operator can put in the place of ours.
//
// A page is made in three steps. [Open] reads the operator's [Theme], once.
// [Look.Template] joins the frame, the page's own template, which defines "main",
// and the operator's blocks. [Template.Write] fills it with a value that embeds a
// [Frame], which [Look.Frame] gives for a language of [Look.Words].
//
// No page asks another host for anything. Its style is in it, allowed by hash;
// the script, which only adds what is missing without it (a button that copies a
// digest), is an asset of this package ([Asset]), served by whoever serves the
// page. Words and templates never hold anything that a mirror or a client sent
// without html/template having escaped it.
//
// Names of files may hold any byte: [Readable] makes text of them.
package page
