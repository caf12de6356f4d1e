"""Headers and shapes of more vendors: the same two bars in each, and what their volumes are counted in."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.reader import CandleFile, read
from market.prices import Timeframe

UNTIL = np.datetime64("2026-01-01", "us")
NEW_YORK = ZoneInfo("America/New_York")
DAILY = {
    "lseg": "Date,OPEN_PRC,HIGH_1,LOW_1,TRDPRC_1,ACVOL_UNS\n2024-11-26,10,12,9,11,5000\n",
    "refinitiv": "Instrument,Date,TR.OPENPRICE,TR.HIGHPRICE,TR.LOWPRICE,TR.CLOSEPRICE,TR.VOLUME\n"
    "AAPL.O,2024-11-26,10,12,9,11,5000\n",
    "yahoo, explained": "Date,Open,High,Low,Close Close price adjusted for splits.,Volume\n"
    '"Nov 26, 2024",10,12,9,11,"5,000"\n',
    "amibroker": "<TICKER>,<DTYYYYMMDD>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
    "AAPL,20241126,10,12,9,11,5000,0\n",
    "boursorama": "date\touv\thaut\tbas\tclot\tvol\tdevise\n26/11/2024 00:00\t10\t12\t9\t11\t5000\tEUR\n",
    "barchart": "Time,Open,High,Low,Latest,Change,Volume\n2024-11-26,10,12,9,11,0.1,5000\n",
    "euronext": "Date;Open;High;Low;Last;Close;Number of Shares\n26/11/2024;10;12;9;11;11;5000\n",
    "frankfurt": "Datum;Er\u00f6ffnungskurs;Schlusskurs;Tageshoch;Tagestief;Umsatz in St\u00fcck\n"
    "26.11.24;10,0;11,0;12,0;9,0;5.000\n",
    "in thousands": "Date,Open,High,Low,Close,Volume (000)\n2024-11-26,10,12,9,11,5\n",
    "in thousands, too": "Date,Open,High,Low,Close,Vol. (K)\n2024-11-26,10,12,9,11,5\n",
    "in millions": "Date,Open,High,Low,Close,Volume [M]\n2024-11-26,10,12,9,11,0.005\n",
    "in coins": "Date,Open,High,Low,Close,Volume_(BTC),Volume_(Currency)\n2024-11-26,10,12,9,11,5000,55000\n",
    "in ticks": "Date,Open,High,Low,Close,Tick Volume\n2024-11-26,10,12,9,11,5000\n",
    "zeros beside ticks": "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\n"
    "2024.11.26\t10\t12\t9\t11\t5000\t0\n",
}
MINUTES = {
    "metastock": "<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
    "AAPL,1,20241126,0930,10,12,9,11,5000\n",
    "flex": '"Symbol","Date/Time","Open","High","Low","Close","Volume"\n'
    '"AAPL","20241126;093000","10","12","9","11","5000"\n',
    "coinbase": "start,low,high,open,close,volume\n1732631400,9,12,10,11,5000\n",
    "kraken": "".join(f"{1732631400 + 60 * i},10,12,9,11,10.5,5000,7\n" for i in range(3)),
    "only ends": "endtime,open,high,low,close,volume\n2024-11-26 09:31:00,10,12,9,11,5000\n",
}


def load(text: str, timeframe: str) -> CandleFile:
    return read(text.encode(), Timeframe(timeframe), NEW_YORK, UNTIL)


@pytest.mark.parametrize("text", DAILY.values(), ids=DAILY)
def test_days_of_more_vendors_are_read(text: str) -> None:
    assert next(load(text, "1d").bars.rows())[1:6] == (10, 12, 9, 11, 5000)


@pytest.mark.parametrize("text", MINUTES.values(), ids=MINUTES)
def test_minutes_of_more_vendors_are_read(text: str) -> None:
    bars = load(text, "1m").bars
    assert str(bars.opened_at[0]) == "2024-11-26T14:30:00.000000"
    assert next(bars.rows())[1:6] == (10, 12, 9, 11, 5000)


def test_many_names_in_one_file_are_many_symbols() -> None:
    rows = "2024-11-26,10,12,9,11,1,AAL\n2024-11-26,10,12,9,11,1,AAPL\n"
    with pytest.raises(BadFile, match=r"2 symbols \(AAL, AAPL\): name their column"):
        load(f"date,open,high,low,close,volume,Name\n{rows}", "1d")
