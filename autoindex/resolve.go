package autoindex

// Ask reads a query as the options want it read: with IgnoreClient, only search
// and latest are taken from it.
func (o *Options) Ask(query string) Ask {
	a := ParseAsk(query)
	if o.IgnoreClient {
		return Ask{Search: a.Search, Latest: a.Latest, LatestBy: a.LatestBy}
	}
	return a
}

// Resolve gives the format and the order for a request: what the query asks
// for, else what is set, else, of the format, what the Accept header likes best.
func (o *Options) Resolve(a Ask, accept string) (Format, Order) {
	f := a.Format
	if f == Auto {
		f = o.Format
	}
	if f == Auto {
		f = Negotiate(accept)
	}
	return f, o.Order.with(a, f)
}

// with gives the order when a is asked for.
func (o Order) with(a Ask, f Format) Order {
	if a.Column != Unsorted {
		o.Column = a.Column
	}
	o.Descending = a.Descending.Or(o.Descending)
	o.FoldersFirst = a.FoldersFirst.Or(o.FoldersFirst)
	o.Version = a.Version.Or(o.Version)
	if f == Plain { // which has the names alone, and Apache sorts it by these alone
		o.Column, o.FoldersFirst = ByName, false
	}
	return o
}
