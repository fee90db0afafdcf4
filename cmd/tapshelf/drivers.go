package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/conn/v3/spi/spireg"
	"periph.io/x/host/v3"

	"tapshelf/devices"
	"tapshelf/devices/em4100"
	"tapshelf/devices/mfrc522"
	"tapshelf/devices/panelio"
	"tapshelf/devices/sim"
)

// driver is how readers of one kind are made. path says what the
// configuration's path means, empty if it has none.
type driver struct {
	path string
	open func(readerConfig) (devices.Reader, error)
}

// drivers is every kind of reader there is. A new one is a line here.
var drivers = map[string]driver{
	"em4100":  {"a serial port: /dev/tapshelf/reader-1", openEM4100},
	"mfrc522": {"an SPI port: /dev/spidev0.0", openMFRC522},
	"sim":     {"", openSim},
}

func driverNames() []string { return slices.Sorted(maps.Keys(drivers)) }

func openEM4100(r readerConfig) (devices.Reader, error) {
	return em4100.New(em4100.Config{Name: r.Name, Open: em4100.OpenSerial(r.Path), Now: time.Now, OneShot: r.OneShot}), nil
}

func openMFRC522(r readerConfig) (devices.Reader, error) {
	if _, err := host.Init(); err != nil {
		return nil, fmt.Errorf("hardware: %w", err)
	}
	var reset gpio.PinOut
	if r.Reset != "" {
		pin, err := outPin(r.Reset)
		if err != nil {
			return nil, err
		}
		reset = pin
	}
	return mfrc522.New(mfrc522.Config{
		Name: r.Name, Reset: reset, Now: time.Now,
		Open: func() (spi.PortCloser, error) { return spireg.Open(r.Path) },
	}), nil
}

func openSim(r readerConfig) (devices.Reader, error) { return sim.NewReader(r.Name, time.Now), nil }

// openSignal makes a station's lamp and buzzer. A station with no pins has a
// silent one.
func openSignal(s stationConfig) (devices.Signal, func() error, error) {
	if s.Green == "" && s.Amber == "" && s.Red == "" && s.Buzzer == "" {
		return new(sim.Signal), func() error { return nil }, nil
	}
	if _, err := host.Init(); err != nil {
		return nil, nil, fmt.Errorf("hardware: %w", err)
	}
	var c panelio.Config
	for name, into := range map[string]*gpio.PinOut{s.Green: &c.Green, s.Amber: &c.Amber, s.Red: &c.Red, s.Buzzer: &c.Buzzer} {
		if name == "" {
			continue
		}
		pin, err := outPin(name)
		if err != nil {
			return nil, nil, err
		}
		*into = pin
	}
	signal, err := panelio.New(c)
	if err != nil {
		return nil, nil, fmt.Errorf("lamp: %w", err)
	}
	return signal, signal.Close, nil
}

func outPin(name string) (gpio.PinOut, error) {
	pin := gpioreg.ByName(name)
	if pin == nil {
		return nil, fmt.Errorf("this machine has no pin %q; pins are called like GPIO17", name)
	}
	return pin, nil
}
