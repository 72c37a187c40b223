{{ config(contract={'enforced': false}) }} select 1 as a
