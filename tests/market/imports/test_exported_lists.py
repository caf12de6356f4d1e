"""Lists as other programs export them and people paste them: what is loaded, what is left out and why."""

import pytest

from market.imports import watchlist

INDEX, FUTURE, OPTION = "It looks like an index", "It looks like a future", "It looks like an option"
# What is given, the symbols (with @exchange where the list names one), and what is left out with its reason.
LISTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "TradingView": (
        "NASDAQ:AAPL,###TECH,NASDAQ:MSFT,FX:EURUSD,TVC:SPX,COINBASE:BTCUSD,CME_MINI:ES1!,BINANCE:BTCUSDT",
        "AAPL@NASDAQ MSFT@NASDAQ EUR/USD BTC/USD BTC/USDT",
        {"TVC:SPX": INDEX, "CME_MINI:ES1!": FUTURE},
    ),
    "TradingView, a screener": (
        'Symbol,Description,Price,Exchange\nBRK.B,"Berkshire Hathaway, Inc.",470,NYSE\n'
        "AAPL,Apple,230,NASDAQ\n",
        "BRK.B@NYSE AAPL@NASDAQ",
        {},
    ),
    "Trader Workstation": (
        "COLUMN,0\nHED,Tech\nDES,AAPL,STK,SMART/NASDAQ,,,,,\nDES, BRK B, STK, SMART,,,,\n"
        "DES,ES,FUT,CME,202503,,,\n"
        "SYM,VOD,SMART/LSE\nCON,265598,SMART\n",
        "AAPL@NASDAQ BRK.B@SMART VOD@LSE",
        {"ES": "IB calls it FUT", "265598": "a contract's number at IB"},
    ),
    "Trader Workstation, a page": (
        'Financial Instrument,Last\nAAPL,230\nBRK B,470\n"ES Mar21\'25 @CME",5000\nEUR.USD,1.08\n',
        "AAPL BRK.B EUR/USD",
        {"ES Mar21'25 @CME": "It looks like an option or a future"},
    ),
    "IB, a Flex query": (
        '"Symbol","AssetClass","ListingExchange"\n"BAC PRK","STK","NYSE"\n'
        '"AAPL  250117C00200000","OPT","CBOE"\n',
        "BAC.PRK@NYSE",
        {"AAPL  250117C00200000": "The list calls it an option"},
    ),
    "Yahoo": (
        "Symbol,Current Price,Date,Comment\nAAPL,230,2025/01/10,dips\nAAPL,230,2025/01/10,more\n^GSPC,1,,\n"
        "ES=F,1,,\nBTC-USD,1,,\n7203.T,1,,\nVOD.L,1,,\nBRK-B,1,,\nEURUSD=X,1,,\nBAC-PK,1,,\n",
        "AAPL BTC/USD 7203@TSE VOD@LSE BRK.B EUR/USD BAC.PRK",
        {"^GSPC": INDEX, "ES=F": FUTURE},
    ),
    "thinkorswim": (
        '"Watchlist export",,\n\nSymbol,Last,Net Chng\nAAPL,230,1\nBRK/B,470,\n/ES,1,\n'
        "$SPX,1,\n.AAPL250117C200,3,\n",
        "AAPL BRK.B",
        {
            '"Watchlist export",,': "above the table",
            "/ES": FUTURE,
            "$SPX": INDEX,
            ".AAPL250117C200": OPTION,
        },
    ),
    "Webull": ("Symbol,Name,Last Price\nAAPL,Apple Inc,230\nBRK B,Berkshire,470\n", "AAPL BRK.B", {}),
    "Schwab": (
        '"Positions for account ...1 as of 04:10 PM"\n\n"Symbol","Description","Qty"\n'
        '"BRK/B","BERKSHIRE","5"\n'
        '"Account Total","--","--"\n',
        "BRK.B",
        {
            '"Positions for account ...1 as of 04:10 PM"': "above the table",
            "Account Total": "is no symbol",
        },
    ),
    "Fidelity": (
        "Account,Symbol,Description\nX1,AAPL,APPLE INC\nX1,SPAXX**,MONEY MARKET\n\n"
        '"The data is provided solely"\n',
        "AAPL",
        {"SPAXX**": "It looks like cash"},
    ),
    "Finviz": ('No.,Ticker,Company\n1,AAPL,"Apple, Inc."\n2,BRK-B,Berkshire\n', "AAPL BRK.B", {}),
    "StockCharts": ("AAPL,BRK/B,$INDU,!NYAD", "AAPL BRK.B", {"$INDU": INDEX, "!NYAD": "is no symbol"}),
    "E*Trade": ("Watch List,Mine\nSymbol,Last Price $\nAAPL,230\n", "AAPL", {"Watch List,Mine": "above"}),
    "Excel, pasted": ("AAPL\tApple Inc.\t230.10\nBRK.B\tBerkshire, Inc.\t470\n", "AAPL BRK.B", {}),
    "Excel, semicolons": ("sep=;\nSymbol;Name;Börse\nSAP;SAP SE;XETR\n", "SAP@XETR", {}),
    "a table without header": ("MSFT,NASDAQ\nIBM,NYSE\nVOD,LON\n", "MSFT@NASDAQ IBM@NYSE VOD@LSE", {}),
    "several lines in a cell": ('Symbol,Notes\nAAPL,"one\ntwo"\nMSFT,\n', "AAPL MSFT", {}),
    "Bloomberg": (
        "AAPL US Equity\nBRK/B US Equity\nVOD LN Equity\n7203 JP Equity\nEURUSD Curncy\n"
        "SPX Index\nXYZ ZZ Equity\n",
        "AAPL BRK.B VOD@LSE 7203@TSE EUR/USD",
        {"SPX Index": INDEX, "XYZ ZZ Equity": "Bloomberg's exchange ZZ is not known"},
    ),
    "Reuters": (
        "AAPL.O\nIBM.N\nBRKb.N\nBACpK.N\nVOD.L\n7203.T\n.SPX\nEUR=\n",
        "AAPL@NASDAQ IBM@NYSE BRK.B@NYSE BAC.PRK@NYSE VOD@LSE 7203@TSE",
        {".SPX": INDEX, "EUR=": "a pair of currencies"},
    ),
    "Google": (
        "NYSE:BRK.B\nLON:VOD\nTYO:7203\nTSE:SHOP\nINDEXSP:.INX\nCURRENCY:EURUSD\n",
        "BRK.B@NYSE VOD@LSE 7203@TSE SHOP@TSX EUR/USD",
        {"INDEXSP:.INX": INDEX},
    ),
    "Stooq": ("AAPL.US\nVOD.UK\nSAP.DE\n^SPX\n", "AAPL VOD@LSE SAP@XETR", {"^SPX": INDEX}),
    "numbered": ("1. AAPL\n2) MSFT\n- TSLA\n• IBM\n", "AAPL MSFT TSLA IBM", {}),
    "a sentence": ("Symbols: $AAPL, msft and nvda", "AAPL MSFT NVDA", {}),
    "JSON": ('["AAPL", "BRK-B"]', "AAPL BRK.B", {}),
    "bars": ("AAPL|MSFT|NVDA", "AAPL MSFT NVDA", {}),
    "Trader Workstation, in small letters": (
        "des,aapl,stk,smart\nsym,eur.usd,idealpro\n",
        "AAPL@SMART EUR/USD",
        {},
    ),
    "unknown titles": (
        "What,Position,Worth\nAAPL,100,23000\nBRK B,5,2000\n",
        "AAPL BRK.B",
        {"What,Position,Worth": "above the table"},
    ),
    "IB, a statement": (
        "Open Positions,Header,Asset Category,Symbol\nOpen Positions,Data,Stocks,AAPL\n"
        "Open Positions,Data,Equity and Index Options,AAPL 17JAN25 200 C\n",
        "AAPL",
        {"AAPL 17JAN25 200 C": "an option"},
    ),
    "numbers of securities": (
        "US0378331005\n037833100\n38259P508\nBBG000B9XRY4\nIBM\n",
        "IBM",
        {
            "US0378331005": "an ISIN",
            "037833100": "a CUSIP",
            "38259P508": "a CUSIP",
            "BBG000B9XRY4": "a FIGI",
        },
    ),
    "prices between": (
        "AAPL\n$230.10\nMSFT\n$420.00\n",
        "AAPL MSFT",
        {"$230.10": "a number", "$420.00": "a number"},
    ),
    "columns of spaces": ("AAPL   Apple Inc    230.1\nMSFT   Microsoft    420\n", "AAPL MSFT", {}),
    "Markdown": ("| Symbol | Name |\n|---|---|\n| AAPL | Apple |\n", "AAPL", {}),
    "slashes": ("AAPL / MSFT / BRK/B", "AAPL MSFT BRK.B", {}),
    "a web page": ("AAPL\u00a0\nMSFT\u200b\n", "AAPL MSFT", {}),
    "a last line of words": (
        'Symbol,Name,Exchange\nAAPL,Apple,NASD\n"Downloaded as of 01-10-2025 04:00pm CST"\n',
        "AAPL@NASD",
        {"Downloaded as of 01-10-2025 04:00pm CST": "is no symbol"},
    ),
    "numbers": ("7203,230,AAPL", "AAPL", {"7203": "name its exchange", "230": "a number and no symbol"}),
    "twice": ("nasdaq:aapl\nAAPL\n", "AAPL@NASDAQ", {}),
    "twice, in two sections": ("###A,AAPL,###B,AAPL", "AAPL", {"AAPL": "in the list already, under A"}),
}


@pytest.mark.parametrize("program", LISTS)
def test_a_list_as_a_program_writes_it(program: str) -> None:
    text, symbols, left_out = LISTS[program]
    parsed = watchlist.parse(text)
    loaded = [f"{entry.symbol}@{entry.place}" if entry.place else entry.symbol for entry in parsed.entries]
    assert loaded == symbols.split()
    assert dict(parsed.left_out).keys() == left_out.keys()
    for given, reason in parsed.left_out:
        assert left_out[given] in reason


@pytest.mark.parametrize("program", LISTS)
def test_what_was_loaded_is_written_and_read_again(program: str) -> None:
    entries = watchlist.parse(LISTS[program][0]).entries
    assert watchlist.parse(watchlist.written(entries)).entries == entries


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_a_file_in_any_usual_encoding(encoding: str) -> None:
    text = watchlist.decoded("Symbol,Name\r\nMUV2,Münchener Rück\r\n".encode(encoding))
    (entry,) = watchlist.parse(text).entries
    assert (entry.symbol, entry.name) == ("MUV2", "Münchener Rück")


def test_names_notes_and_groups_come_along() -> None:
    parsed = watchlist.parse(LISTS["TradingView"][0])
    assert [entry.group for entry in parsed.entries[:2]] == ["", "TECH"]
    assert watchlist.parse(LISTS["Yahoo"][0]).entries[0].note == "dips; more"
    assert watchlist.parse(LISTS["Excel, pasted"][0]).entries[1].name == "Berkshire, Inc."
    assert watchlist.parse(LISTS["several lines in a cell"][0]).entries[0].note == "one two"
    assert [entry.note for entry in watchlist.parse("AAPL # long\nMSFT // hold").entries] == ["long", "hold"]


def test_a_pair_of_currencies_trades_as_currencies_do() -> None:
    calendars = [
        entry.exchange and entry.exchange.calendar for entry in watchlist.parse("EURUSD=X,BTC-USD").entries
    ]
    assert calendars == ["24/5", "24/7"]
